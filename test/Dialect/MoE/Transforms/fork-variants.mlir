// RUN: moe-opt %s --moe-fork-variants --split-input-file --verify-diagnostics | FileCheck %s
// RUN: moe-opt %s --moe-fork-variants --remarks-filter=moe-fork-variants --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] forked | Category:moe-fork-variants | Function=k | Remark="the products of a routing into 2 functions"
// CHECK-LABEL: func.func @k(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x4x4xf32>
// CHECK: tensor.empty(%{{.*}}) : tensor<?x4xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[IDS]]
// CHECK: %[[LIMIT:.*]] = arith.constant 3 : index
// CHECK: %[[FEW:.*]] = arith.cmpi ult, %[[T]], %[[LIMIT]]
// CHECK: %[[Y:.*]] = scf.if %[[FEW]]
// CHECK-NEXT: %[[A:.*]] = func.call @k_single_row(%[[IDS]], %[[X]], %[[W]], %[[OUT:.*]])
// CHECK-NEXT: scf.yield %[[A]]
// CHECK: %[[B:.*]] = func.call @k_grouped(%[[IDS]], %[[X]], %[[W]], %[[OUT]])
// CHECK-NEXT: scf.yield %[[B]]
// CHECK: moe.variants = #moe.variants<<single_row from 0, 100 ns>, <grouped from 3, 250 ns>>
// CHECK: return %[[Y]]
// CHECK: func.func private @k_single_row({{.*}} attributes {moe.variant = "single_row"}
// CHECK: moe.plan
// CHECK-NOT: moe.variants
// CHECK: moe.combine_slots
// CHECK: func.func private @k_grouped({{.*}} attributes {moe.variant = "grouped"}
// CHECK: moe.plan
// CHECK-NOT: moe.variants
// CHECK: moe.combine_slots
func.func @k(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %n = arith.muli %t, %c2 : index
  %o = tensor.empty() : tensor<9xindex>
  %i = tensor.empty(%n) : tensor<?xindex>
  %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<single_row from 0, 100 ns>, <grouped from 3, 250 ns>>} : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %g = tensor.empty(%t) : tensor<?x4xf32>
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// One variant needs no test; three need two.
// CHECK-LABEL: func.func @one(
// CHECK-NOT: scf.if
// CHECK: call @one_single_row(
// CHECK: func.func private @one_single_row(
func.func @one(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
               %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<single_row from 0, 0 ns>>} : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @three(
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK: arith.cmpi ult, %[[T:.*]], %[[C2]]
// CHECK: scf.if
// CHECK: call @three_grouped(
// CHECK: else
// CHECK: %[[C5:.*]] = arith.constant 5 : index
// CHECK: arith.cmpi ult, %[[T]], %[[C5]]
// CHECK: scf.if
// CHECK: call @three_single_row(
// CHECK: else
// CHECK: call @three_grouped_0(
func.func @three(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
                 %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<grouped from 0, 0 ns>,
        <single_row from 2, 0 ns>, <grouped from 5, 0 ns>>} : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
