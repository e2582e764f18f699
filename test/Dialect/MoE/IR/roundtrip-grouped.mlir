// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// Every part that an op of the grouped form can have is printed, and reads back the same.

// CHECK-LABEL: func.func @router
// CHECK: %logits, %experts, %weights = moe.router %{{.*}}, %{{.*}} bias %{{.*}} rank_bias %{{.*}} select #moe.group_top_k<2, groups = 4, keep = 2, reduce = top2_sum, mask = zero> rank scores weigh #moe.sqrt_softplus over each renormalize <p = 2.000000e+00, min = 5.000000e-01> scale 2.5
func.func @router(%x: tensor<?x4xbf16>, %w: tensor<8x4xbf16>, %b: tensor<8xbf16>, %r: tensor<8xf32>,
                  %l: tensor<?x8xbf16>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) -> tensor<?x2xi32> {
  %logits, %ids, %weights = moe.router %x, %w bias %b rank_bias %r
      select #moe.group_top_k<2, mask = zero, keep = 2, groups = 4, reduce = top2_sum> rank scores
      weigh #moe.sqrt_softplus over each renormalize <min = 0.5, p = 2.0> scale 2.5
      : tensor<?x4xbf16>, tensor<8x4xbf16> bias tensor<8xbf16> rank_bias tensor<8xf32>
      outs(%l, %i, %v : tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  return %ids : tensor<?x2xi32>
}

// CHECK-LABEL: func.func @moves
// CHECK: %experts, %weights = moe.select %{{.*}} select #moe.top_k<2, capacity = 64> rank logits weigh #moe.softmax over selected :
// CHECK: %offsets, %tokens, %slots = moe.plan %experts
// CHECK: %rows = moe.gather %{{.*}} at %tokens
// CHECK: %slot_rows = moe.scatter %rows to %slots
// CHECK: %output = moe.combine_slots %slot_rows 2 weighted_sum weights %weights
// CHECK: moe.combine_slots %slot_rows 2 max :
func.func @moves(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>,
                 %o: tensor<9xindex>, %t: tensor<?xindex>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %ids, %weights = moe.select %l select #moe.top_k<2, capacity = 64> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %rows = moe.gather %x at %tokens : tensor<?x4xf32>, tensor<?xindex> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = moe.scatter %rows to %slots : tensor<?x4xf32>, tensor<?xindex> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %s 2 weighted_sum weights %weights : tensor<?x4xf32>, tensor<?x2xf32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = moe.combine_slots %s 2 max : tensor<?x4xf32> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func.func @product
// CHECK: %slot_rows = moe.grouped_matmul %{{.*}} gather %{{.*}} weights %{{.*}}, %{{.*}} offsets %{{.*}} columns %{{.*}} scalars %{{.*}} scatter %{{.*}} config <level = "avx2", columns = 16, rows = [4, 1], k_group = 1, vector = 8>
// CHECK-NEXT: ^bb0(%acc: f32, %acc_{{.*}}: f32, %column: bf16, %scalar: f32):
func.func @product(%x: tensor<?x4xbf16>, %t: tensor<?xindex>, %a: tensor<8x6x4xbf16>, %b: tensor<8x6x4xbf16>,
                   %o: tensor<9xindex>, %c: tensor<8x6xbf16>, %s: tensor<?xf32>, %i: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %y = moe.grouped_matmul %x gather %t weights %a, %b offsets %o columns %c scalars %s scatter %t
      config <level = "avx2", columns = 16, rows = [4, 1], k_group = 1, vector = 8>
      : tensor<?x4xbf16> gather tensor<?xindex> weights tensor<8x6x4xbf16>, tensor<8x6x4xbf16> offsets tensor<9xindex>
        columns tensor<8x6xbf16> scalars tensor<?xf32> scatter tensor<?xindex>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%p: f32, %q: f32, %u: bf16, %v: f32):
    %r = arith.mulf %p, %q : f32
    moe.yield %r : f32
  }
  return %y : tensor<?x6xf32>
}

// CHECK-LABEL: func.func @drops
// CHECK: %experts, %weights = moe.select_within %{{.*}}, %{{.*}}, %{{.*}} nodes 4 select #moe.top_k<1> weigh #moe.one over each : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(
// CHECK: %rows = moe.gather %{{.*}} at %{{.*}} offsets %{{.*}} weights %{{.*}} slots %{{.*}} : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex> weights tensor<?xf32> slots tensor<?xindex> outs(
// CHECK: %slot_rows = moe.scatter %rows to %{{.*}} offsets %{{.*}} : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex> outs(
// CHECK: moe.combine_slots %slot_rows 2 weighted_sum weights %weights ids %experts : tensor<?x4xf32>, tensor<?x2xf32> ids tensor<?x2xi32> outs(
// CHECK: moe.combine_slots %slot_rows 2 mean ids %experts : tensor<?x4xf32> ids tensor<?x2xi32> outs(
func.func @drops(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>,
                 %o: tensor<9xindex>, %t: tensor<?xindex>, %f: tensor<?xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %ids, %weights = moe.select_within %i, %v, %l nodes 4 select #moe.top_k<1> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows = moe.gather %x at %t offsets %o weights %f slots %t : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      weights tensor<?xf32> slots tensor<?xindex> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = moe.scatter %rows to %t offsets %o : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %s 2 weighted_sum weights %weights ids %ids
      : tensor<?x4xf32>, tensor<?x2xf32> ids tensor<?x2xi32> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = moe.combine_slots %s 2 mean ids %ids : tensor<?x4xf32> ids tensor<?x2xi32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK: %rows, %weights = moe.select_rows %{{.*}} bias %{{.*}} select #moe.top_k<2, axis = row, window = 16> rank scores weigh #moe.sigmoid over each renormalize <> scale 2.500000e+00 : tensor<?x8xf32>, tensor<8xf32> outs(
// CHECK: %offsets, %tokens, %slots = moe.plan_rows %rows : tensor<?x2xi32> outs(
// CHECK: moe.combine_rows %{{.*}} by %rows weighted_sum weights %weights : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32> outs(
// CHECK: moe.combine_rows %{{.*}} by %rows mean : tensor<?x4xf32>, tensor<?x2xi32> outs(
func.func @rows(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %b: tensor<8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>,
                %o: tensor<9xindex>, %t: tensor<?xindex>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %ids, %weights = moe.select_rows %l bias %b select #moe.top_k<2, axis = row, window = 16> rank scores
      weigh #moe.sigmoid over each renormalize <> scale 2.5 : tensor<?x8xf32>, tensor<8xf32>
      outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  %offsets, %tokens, %slots = moe.plan_rows %ids : tensor<?x2xi32>
      outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %y = moe.combine_rows %x by %ids weighted_sum weights %weights : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = moe.combine_rows %x by %ids mean : tensor<?x4xf32>, tensor<?x2xi32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func.func @all
// CHECK: %offsets, %tokens, %slots = moe.plan_all %{{.*}} outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>) ->
// CHECK: moe.combine_slots %{{.*}} shared 2 mean ids %{{.*}} : tensor<?x4xf32> ids tensor<?x2xi32> outs(
// CHECK: moe.combine_slots %{{.*}} shared 2 weighted_sum weights %{{.*}} : tensor<?x4xf32>, tensor<?x2xf32> outs(
func.func @all(%n: index, %x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>, %o: tensor<9xindex>,
               %t: tensor<?xindex>) -> (tensor<9xindex>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %offsets, %tokens, %slots = moe.plan_all %n outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %y = moe.combine_slots %x shared 2 mean ids %i : tensor<?x4xf32> ids tensor<?x2xi32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = moe.combine_slots %x shared 2 weighted_sum weights %v : tensor<?x4xf32>, tensor<?x2xf32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %offsets, %y, %z : tensor<9xindex>, tensor<?x4xf32>, tensor<?x4xf32>
}
