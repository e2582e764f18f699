// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s

// A task is a run of panels; in it, experts one after the other, whose rows begin at multiples of the capacity.
// CHECK-LABEL: func.func @gather
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[TOKENS:.*]]: tensor<40xindex>, %[[W:.*]]: tensor<8x64x4xf32>, %[[N:.*]]: tensor<8xindex>, %[[INIT:.*]]: tensor<40x64xf32>
// CHECK: scf.forall
// CHECK: scf.for %[[I:[^ ]*]] =
// CHECK: %[[E:.*]] = arith.divui %[[I]],
// CHECK: %[[COLUMN:.*]] = affine.apply
// CHECK: %[[FIRST:.*]] = arith.muli %[[E]], %c5
// CHECK: %[[ROWS:.*]] = tensor.extract %[[N]][%[[E]]]
// CHECK: tensor.extract_slice %[[W]][%[[E]], %[[COLUMN]], 0] [1, 32, 4]
// CHECK: tensor.extract_slice %[[TOKENS]][%[[FIRST]]] [%[[ROWS]]]
// CHECK: moe.tile_product
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[FIRST]], 0] [%[[ROWS]], 32]
func.func @gather(%x: tensor<?x4xf32>, %tokens: tensor<40xindex>, %w: tensor<8x64x4xf32>, %n: tensor<8xindex>,
                  %init: tensor<40x64xf32>) -> tensor<40x64xf32> {
  %y = moe.padded_matmul %x gather %tokens weights %w counts %n capacity 5
      : tensor<?x4xf32> gather tensor<40xindex> weights tensor<8x64x4xf32> counts tensor<8xindex>
      outs(%init : tensor<40x64xf32>) -> tensor<40x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<40x64xf32>
}

// Rows go to their slots, and scalars are read there.
// CHECK-LABEL: func.func @scatter
// CHECK-SAME: %[[X:.*]]: tensor<40x4xf32>, %[[W:[^:]*]]: tensor<8x64x4xf32>, %[[N:[^:]*]]: tensor<8xindex>, %[[S:[^:]*]]: tensor<?xf32>, %[[SLOTS:[^:]*]]: tensor<40xindex>
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %c5
// CHECK: %[[ROWS:.*]] = tensor.extract %[[N]]
// CHECK: tensor.extract_slice %[[X]][%[[FIRST]], 0] [%[[ROWS]], 4]
// CHECK: tensor.extract_slice %[[SLOTS]][%[[FIRST]]] [%[[ROWS]]]
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[ROWS]]
// CHECK: %[[PLACE:.*]] = arith.addi %[[FIRST]], %[[I]]
// CHECK: %[[SLOT:.*]] = tensor.extract %[[SLOTS]][%[[PLACE]]]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[SLOT]], 0] [1, 32]
func.func @scatter(%x: tensor<40x4xf32>, %w: tensor<8x64x4xf32>, %n: tensor<8xindex>, %s: tensor<?xf32>,
                   %slots: tensor<40xindex>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = moe.padded_matmul %x weights %w counts %n capacity 5 scalars %s scatter %slots
      : tensor<40x4xf32> weights tensor<8x64x4xf32> counts tensor<8xindex> scalars tensor<?xf32>
        scatter tensor<40xindex> outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%acc: f32, %factor: f32):
    %v = arith.mulf %acc, %factor : f32
    moe.yield %v : f32
  }
  return %y : tensor<?x64xf32>
}
