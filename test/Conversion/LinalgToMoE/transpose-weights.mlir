// RUN: moe-opt %s --moe-transpose-weights --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-transpose-weights --remarks-filter=moe-transpose-weights --split-input-file -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] transposed | Category:moe-transpose-weights | Function=k | Remark="1 weights, from [K, N] to [N, K]"
// CHECK: #[[MATRIX:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: moe.weight @w : tensor<8x6x4xf32> from "experts.{e}.w" transposed
// CHECK: func.func @k(
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<8x6x4xf32>)
// CHECK: moe.experts %{{.*}} weights %[[W]] : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32>
// CHECK: ^bb0(%{{.*}}: tensor<?x4xf32>, %[[M:[a-z0-9]+]]: tensor<6x4xf32>):
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[MATRIX]], #{{.*}}]
// CHECK-SAME: ins(%{{.*}}, %[[M]] : tensor<?x4xf32>, tensor<6x4xf32>)
#rows = affine_map<(t, n, k) -> (t, k)>
#turned = affine_map<(t, n, k) -> (k, n)>
#product = affine_map<(t, n, k) -> (t, n)>
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.generic {indexing_maps = [#rows, #turned, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) {
    ^bb0(%a: f32, %c: f32, %acc: f32):
      %ac = arith.mulf %a, %c : f32
      %s = arith.addf %acc, %ac : f32
      linalg.yield %s : f32
    } -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

// -----

// A named op says the order of its operands in maps; what was stored the other way round no longer is. Two layers share a
// weight here, and a third one takes it in the order that it had: it keeps the symbol.
// REMARK: Function=k | Remark="1 weights, from [K, N] to [N, K]"
// CHECK: moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w" transposed unused [0, 1]
// CHECK: moe.weight @w_0 : tensor<8x6x4xf32> from "experts.{e}.w" unused [0, 1]
// CHECK: moe.layer @moe0 block 0 = @k(@w_0)
// CHECK: moe.layer @moe1 block 1 = @k(@w_0)
// CHECK: moe.layer @moe2 block 2 = @rows(@w)
// CHECK: func.func @k(
// CHECK: linalg.generic
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w" transposed unused [0, 1]
moe.layer @moe0 block 0 = @k(@w)
moe.layer @moe1 block 1 = @k(@w)
moe.layer @moe2 block 2 = @rows(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}
func.func @rows(%x: tensor<?x6xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x6xf32>) -> tensor<?x4xf32> {
  %f = tensor.empty() : tensor<1x2xf32>
  %g = tensor.cast %f : tensor<1x2xf32> to tensor<?x2xf32>
  %r = moe.make_routing %ids, %g : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x6xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 6, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 6, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x6xf32>, %m: tensor<4x6xf32>):
    %p = moe.linear %row, %m : tensor<?x6xf32>, tensor<4x6xf32> -> tensor<?x4xf32>
    moe.yield %p : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not transposed | {{.*}}Function=k | Reason="an op takes it that is no product by [K, N]", Remark="weight 0 of the kernel"
// CHECK: moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"{{$}}
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %same = tensor.extract %m[%c0, %c0] : tensor<4x6xf32>
    %start = tensor.splat %same[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%start : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

// -----

// REMARK: Reason="an op outside of expert bodies takes it", Remark="weight 0 of the kernel"
// CHECK: moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"{{$}}
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> (tensor<?x6xf32>, tensor<?x4xf32>) {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  %one = tensor.extract_slice %w[0, 0, 0] [1, 4, 4] [1, 1, 1] : tensor<8x4x6xf32> to tensor<4x4xf32>
  %q = moe.linear %x, %one : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  return %out, %q : tensor<?x6xf32>, tensor<?x4xf32>
}

// -----

// REMARK: Reason="a part of the rows of what is stored would be one of its columns", Remark="weight 0 of the kernel"
// CHECK: moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w" part<rows 0 step 2 of 8>
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w" part<rows 0 step 2 of 8>
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

// -----

// REMARK: Reason="its rows are rounded to a number format together", Remark="weight 0 of the kernel"
// CHECK: moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w" format "int8"
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w" format "int8"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32> {moe.format = "int8"}) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

// -----

// REMARK: Reason="the kernel is called, too", Remark="weight 0 of the kernel"
// CHECK: moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"{{$}}
moe.weight @w : tensor<8x4x6xf32> from "experts.{e}.w"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}
func.func @caller(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %y = call @k(%x, %l, %w) : (tensor<?x4xf32>, tensor<?x8xf32>, tensor<8x4x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// Without a layer nothing says where the weight is stored, so that nothing can be said of its order.
// CHECK: func.func @k(
// CHECK-SAME: tensor<8x4x6xf32>)
func.func @k(%x: tensor<?x4xf32>, %l: tensor<?x8xf32>, %w: tensor<8x4x6xf32>) -> tensor<?x6xf32> {
  %r = moe.route %l select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x6xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%row: tensor<?x4xf32>, %m: tensor<4x6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %row, %c0 : tensor<?x4xf32>
    %zeros = tensor.splat %zero[%n] : tensor<?x6xf32>
    %p = linalg.matmul ins(%row, %m : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 6, f32>, !moe.routing<8, 2, f32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}
