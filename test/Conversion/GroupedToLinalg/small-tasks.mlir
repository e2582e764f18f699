// RUN: moe-opt %s --convert-grouped-to-linalg --split-input-file | FileCheck %s

// With task_rows a task is at most so many rows of one expert times a panel. S rows of 8 experts make at most
// min(S, 8) + (S - min(S, 8)) / 16 blocks of 16: each expert with rows has at most one that is not full. Which block a
// task has it finds by the offsets.
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1) -> (16, d1 - d0)>
// CHECK-LABEL: func.func @blocks
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x64x4xf32>, %[[OFFSETS:.*]]: tensor<9xindex>, %[[INIT:.*]]: tensor<?x64xf32>
// CHECK: %[[S:.*]] = tensor.dim %[[X]]
// CHECK: %[[ACTIVE:.*]] = arith.minui %[[S]], %{{.*}}
// CHECK: %[[REST:.*]] = arith.subi %[[S]], %[[ACTIVE]]
// CHECK: %[[FULL:.*]] = arith.divui %[[REST]], %{{.*}}
// CHECK: %[[TILES:.*]] = arith.addi %[[ACTIVE]], %[[FULL]]
// CHECK: scf.forall (%[[TILE:.*]], %[[COLUMN:.*]]) = (0, 0) to (%[[TILES]], 64) step (1, 32)
// CHECK: %[[FOUND:.*]]:5 = scf.for
// CHECK: arith.ceildivui
// CHECK: arith.cmpi uge, %[[TILE]]
// CHECK: %[[COUNT:.*]] = affine.min #[[$ROWS]](%[[FOUND]]#3, %[[FOUND]]#4)
// CHECK: tensor.extract_slice %[[W]][%[[FOUND]]#2, %[[COLUMN]], 0] [1, 32, 4]
// CHECK: tensor.extract_slice %[[X]][%[[FOUND]]#3, 0] [%[[COUNT]], 4]
// CHECK: moe.tile_product
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[FOUND]]#3, 0] [%[[COUNT]], 32]
#config = #moe.kernel_config<level = "sm_80", columns = 32, rows = [16], k_group = 1, vector = 1, task_rows = 16>
func.func @blocks(%x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets config #config
      : tensor<?x4xf32> weights tensor<8x64x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}
// -----

// Slots: a task is a slot and a panel.
// CHECK-LABEL: func.func @slots
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<?x2xi32>
// CHECK: %[[T:.*]] = tensor.dim %[[IDS]]
// CHECK: %[[SLOTS:.*]] = arith.muli %[[T]], %c2
// CHECK: scf.forall (%[[SLOT:.*]], %[[COLUMN:.*]]) = (0, 0) to (%[[SLOTS]], 64) step (1, 32)
// CHECK: %[[TOKEN:.*]] = arith.divui %[[SLOT]], %c2
// CHECK: %[[CHOICE:.*]] = arith.remui %[[SLOT]], %c2
// CHECK: tensor.extract %[[IDS]][%[[TOKEN]], %[[CHOICE]]]
#config = #moe.kernel_config<level = "sm_80", columns = 32, rows = [16], k_group = 1, vector = 1, task_rows = 16>
func.func @slots(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x64x4xf32>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.slot_matmul %x tokens ids %ids weights %w config #config
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x64x4xf32>
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}
// -----

// Fixed places: an expert's 40 make three blocks of 16, the last of which ends with the rows that are there.
// CHECK-LABEL: func.func @places
// CHECK-SAME: %[[X:[^:]*]]: tensor<320x4xf32>, %[[W:[^:]*]]: tensor<8x64x4xf32>, %[[N:[^:]*]]: tensor<8xindex>
// CHECK: scf.forall (%[[TILE:.*]], %{{.*}}) = (0, 0) to (%c24, 64) step (1, 32)
// CHECK: %[[E:.*]] = arith.divui %[[TILE]], %c3
// CHECK: %[[BLOCK:.*]] = arith.remui %[[TILE]], %c3
// CHECK: %[[SKIPPED:.*]] = arith.muli %[[BLOCK]], %c16
// CHECK: %[[TAKEN:.*]] = tensor.extract %[[N]][%[[E]]]
// CHECK: %[[FROM:.*]] = arith.minui %[[SKIPPED]], %[[TAKEN]]
// CHECK: %[[COUNT:.*]] = affine.min #{{.*}}(%[[FROM]], %[[TAKEN]])
// CHECK: %[[START:.*]] = arith.muli %[[E]], %c40
// CHECK: %[[FIRST:.*]] = arith.addi %[[START]], %[[FROM]]
// CHECK: tensor.extract_slice %[[X]][%[[FIRST]], 0] [%[[COUNT]], 4]
#config = #moe.kernel_config<level = "sm_80", columns = 32, rows = [16], k_group = 1, vector = 1, task_rows = 16>
func.func @places(%x: tensor<320x4xf32>, %w: tensor<8x64x4xf32>, %n: tensor<8xindex>, %init: tensor<320x64xf32>)
    -> tensor<320x64xf32> {
  %y = moe.padded_matmul %x weights %w counts %n capacity 40 config #config
      : tensor<320x4xf32> weights tensor<8x64x4xf32> counts tensor<8xindex>
      outs(%init : tensor<320x64xf32>) -> tensor<320x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<320x64xf32>
}
