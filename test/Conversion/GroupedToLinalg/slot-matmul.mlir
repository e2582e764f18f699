// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s

// A task is a panel; in it, slots one after the other. A slot without an expert is a tile of no rows.
// CHECK-LABEL: func.func @tokens
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x64x4xf32>, %[[S:.*]]: tensor<?xf32>
// CHECK: scf.forall (%[[COLUMN:.*]]) = (0) to (64) step (32)
// CHECK: %[[T:.*]] = tensor.dim %[[IDS]]
// CHECK: scf.for %[[TOKEN:.*]] = %{{.*}} to %[[T]]
// CHECK: scf.for %[[CHOICE:.*]] = %{{.*}} to %c2
// CHECK: %[[BASE:.*]] = arith.muli %[[TOKEN]], %c2
// CHECK: %[[SLOT:.*]] = arith.addi %[[BASE]], %[[CHOICE]]
// CHECK: %[[ID:.*]] = tensor.extract %[[IDS]][%[[TOKEN]], %[[CHOICE]]]
// CHECK: %[[USED:.*]] = arith.cmpi sge, %[[ID]], %c0_i32
// CHECK: %[[ROWS:.*]] = arith.index_castui %[[USED]] : i1 to index
// CHECK: %[[KNOWN:.*]] = arith.maxsi %[[ID]], %c0_i32
// CHECK: %[[EXPERT:.*]] = arith.index_cast %[[KNOWN]]
// CHECK: tensor.extract_slice %[[W]][%[[EXPERT]], %[[COLUMN]], 0] [1, 32, 4]
// CHECK: tensor.extract_slice %[[X]][%[[TOKEN]], 0] [%[[ROWS]], 4]
// CHECK: linalg.generic
// CHECK-SAME: moe.tile_product
// CHECK: tensor.extract_slice %[[S]][%[[SLOT]]] [%[[ROWS]]]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[SLOT]], 0] [%[[ROWS]], 32]
func.func @tokens(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x64x4xf32>, %s: tensor<?xf32>,
                  %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = moe.slot_matmul %x tokens ids %ids weights %w scalars %s
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x64x4xf32> scalars tensor<?xf32>
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%acc: f32, %factor: f32):
    %v = arith.mulf %acc, %factor : f32
    moe.yield %v : f32
  }
  return %y : tensor<?x64xf32>
}

// Rows of slots are read where they are written.
// CHECK-LABEL: func.func @slots
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>
// CHECK: %[[SLOT:.*]] = arith.addi
// CHECK: tensor.extract_slice %[[X]][%[[SLOT]], 0]
func.func @slots(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x64x4xf32>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.slot_matmul %x ids %ids weights %w
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x64x4xf32> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}
