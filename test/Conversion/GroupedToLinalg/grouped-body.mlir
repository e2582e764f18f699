// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s

// A task is a block of sorted rows. Of each expert it takes the rows that lie in its block, one at a time.
// CHECK: #[[$BLOCK:.*]] = affine_map<(d0)[s0] -> (16, -d0 + s0)>
// CHECK-LABEL: func.func @body
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x4xf32>, %[[OFFSETS:.*]]: tensor<9xindex>, %[[INIT:.*]]: tensor<?x4xf32>
// CHECK: scf.forall (%[[FIRST:.*]]) = (0) to (%{{.*}}) step (16) shared_outs(%[[OUT:.*]] = %[[INIT]])
// CHECK: %[[M:.*]] = affine.min #[[$BLOCK]](%[[FIRST]])
// CHECK: %[[BLOCK:.*]] = tensor.extract_slice %[[OUT]][%[[FIRST]], 0] [%[[M]], 4]
// CHECK: %[[END:.*]] = arith.addi %[[FIRST]], %[[M]]
// CHECK: scf.for %[[E:.*]] = %c0{{.*}} to %c8{{.*}} step %c1{{.*}} iter_args(%[[A:.*]] = %[[BLOCK]])
// CHECK: %[[B:.*]] = tensor.extract %[[OFFSETS]][%[[E]]]
// CHECK: %[[BEGIN:.*]] = arith.maxsi %[[B]], %[[FIRST]]
// CHECK: %[[S:.*]] = tensor.extract %[[OFFSETS]]
// CHECK: %[[STOP:.*]] = arith.minsi %[[S]], %[[END]]
// CHECK: scf.for %[[R:.*]] = %[[BEGIN]] to %[[STOP]] step %c1{{.*}} iter_args(%[[P:.*]] = %[[A]])
// CHECK: %[[AT:.*]] = arith.subi %[[R]], %[[FIRST]]
// CHECK: tensor.extract_slice %[[X]][%[[R]], 0] [1, 4]
// CHECK: tensor.extract_slice %[[W]][%[[E]], 0] [1, 4]
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: tensor.insert_slice %{{.*}} into %[[P]][%[[AT]], 0] [1, 4]
// CHECK-NOT: moe.
func.func @body(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x4xf32>)
    -> tensor<?x4xf32> {
  %a = moe.grouped_body %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%r: tensor<?x4xf32>, %s: tensor<4xf32>):
    %m = moe.map %r, %s : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%p: f32, %q: f32):
      %t = arith.mulf %p, %q : f32
      moe.yield %t : f32
    }
    moe.yield %m : tensor<?x4xf32>
  }
  return %a : tensor<?x4xf32>
}
