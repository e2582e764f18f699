// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s

// Gathers and scatters that no product took in: one row after the other.
// CHECK-LABEL: func.func @gather
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[TOKENS:.*]]: tensor<?xindex>, %[[INIT:.*]]: tensor<?x8xf32>
// CHECK: %[[COUNT:.*]] = tensor.dim %[[TOKENS]]
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[COUNT]] {{.*}} iter_args(%[[OUT:.*]] = %[[INIT]])
// CHECK: %[[TOKEN:.*]] = tensor.extract %[[TOKENS]][%[[I]]]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[X]][%[[TOKEN]], 0] [1, 8]
// CHECK: tensor.insert_slice %[[ROW]] into %[[OUT]][%[[I]], 0] [1, 8]
func.func @gather(%x: tensor<?x8xf32>, %tokens: tensor<?xindex>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.gather %x at %tokens : tensor<?x8xf32>, tensor<?xindex> outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @scatter
// CHECK-SAME: %[[X:.*]]: tensor<6x8xbf16>, %[[SLOTS:.*]]: tensor<6xindex>, %[[INIT:.*]]: tensor<9x8xbf16>
// CHECK: %[[C6:.*]] = arith.constant 6 : index
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[C6]] {{.*}} iter_args(%[[OUT:.*]] = %[[INIT]])
// CHECK: %[[SLOT:.*]] = tensor.extract %[[SLOTS]][%[[I]]]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[X]][%[[I]], 0] [1, 8]
// CHECK: tensor.insert_slice %[[ROW]] into %[[OUT]][%[[SLOT]], 0] [1, 8]
func.func @scatter(%x: tensor<6x8xbf16>, %slots: tensor<6xindex>, %init: tensor<9x8xbf16>) -> tensor<9x8xbf16> {
  %y = moe.scatter %x to %slots : tensor<6x8xbf16>, tensor<6xindex> outs(%init : tensor<9x8xbf16>) -> tensor<9x8xbf16>
  return %y : tensor<9x8xbf16>
}
