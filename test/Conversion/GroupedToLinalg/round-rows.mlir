// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s

// Blocks of rows, with a reduction to the bits of the largest magnitude of each row, and the rounding marked for the emitter.
// CHECK-LABEL: func.func @round
// CHECK-SAME: %[[X:.*]]: tensor<?x8xbf16>
// CHECK: scf.forall (%[[FIRST:.*]]) = (0) to (%{{.*}}) step (16) shared_outs(%[[OUT:.*]] = %{{.*}}) -> (tensor<?x8xf32>)
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[OUT]][%[[FIRST]], 0]
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[X]][%[[FIRST]], 0]
// CHECK: %[[LARGEST:.*]] = linalg.generic {{.*}} ins(%[[ROWS]] : tensor<?x8xbf16>) outs(%{{.*}} : tensor<?xi32>)
// CHECK: arith.maxui
// CHECK: linalg.generic {{.*}} ins(%[[ROWS]], %[[LARGEST]] : tensor<?x8xbf16>, tensor<?xi32>) outs(%[[PART]] : tensor<?x8xf32>) attrs = {moe.row_rounding}
// CHECK: arith.divf
// CHECK: tensor.parallel_insert_slice
func.func @round(%x: tensor<?x8xbf16>) -> tensor<?x8xf32> {
  %q = moe.round_rows %x : tensor<?x8xbf16> -> tensor<?x8xf32>
  return %q : tensor<?x8xf32>
}
