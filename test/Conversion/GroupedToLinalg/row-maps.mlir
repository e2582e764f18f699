// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s

// A map that no product took in: a loop over blocks of rows, with one elementwise op that is marked for the emitter.
// CHECK: #[[$BLOCK:.*]] = affine_map<(d0)[s0] -> (16, -d0 + s0)>
// CHECK: #[[$BOTH:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK: #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @map
// CHECK-SAME: %[[A:.*]]: tensor<?x8xf32>, %[[BIAS:.*]]: tensor<8xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[A]]
// CHECK: %[[INIT:.*]] = tensor.empty(%[[T]]) : tensor<?x8xbf16>
// CHECK: scf.forall (%[[FIRST:.*]]) = (0) to (%[[T]]) step (16) shared_outs(%[[OUT:.*]] = %[[INIT]])
// CHECK: %[[M:.*]] = affine.min #[[$BLOCK]](%[[FIRST]])[%[[T]]]
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[A]][%[[FIRST]], 0] [%[[M]], 8]
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[OUT]][%[[FIRST]], 0] [%[[M]], 8]
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[$BOTH]], #[[$COLUMN]], #[[$BOTH]]]
// CHECK-SAME: ins(%[[ROWS]], %[[BIAS]] : {{.*}} outs(%[[PART]]
// CHECK-SAME: attrs = {moe.row_map}
// CHECK: arith.addf
// CHECK: arith.truncf
// CHECK: tensor.parallel_insert_slice %[[Y]] into %[[OUT]][%[[FIRST]], 0] [%[[M]], 8]
func.func @map(%a: tensor<?x8xf32>, %bias: tensor<8xf32>) -> tensor<?x8xbf16> {
  %y = moe.map %a, %bias : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xbf16> {
  ^bb0(%u: f32, %v: f32):
    %0 = arith.addf %u, %v : f32
    %1 = arith.truncf %0 : f32 to bf16
    moe.yield %1 : bf16
  }
  return %y : tensor<?x8xbf16>
}

// A static number of rows that blocks divide stays static.
// CHECK-LABEL: func.func @static
// CHECK-NOT: affine.min
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<16x8xf32>)
func.func @static(%a: tensor<32x8xf32>) -> tensor<32x8xf32> {
  %y = moe.map %a : tensor<32x8xf32> -> tensor<32x8xf32> {
  ^bb0(%u: f32):
    %0 = arith.negf %u : f32
    moe.yield %0 : f32
  }
  return %y : tensor<32x8xf32>
}
