// RUN: moe-opt %s --convert-grouped-to-linalg --split-input-file | FileCheck %s

// A task is a run of panels of columns, as many runs as four for each thread of the call; inside it, one expert after
// the other, and its panels. 80 is no multiple of the default panel of 32, so the last of three panels is narrower and
// the width of all of them is not static.
// CHECK-DAG: #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d0 * 32 + d1 * 32)>
// CHECK-DAG: #[[$WIDTH:.*]] = affine_map<(d0, d1) -> (32, d0 * -32 - d1 * 32 + 80)>
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$COLUMNS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$PRODUCT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @plain
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x80x4xf32>, %[[OFFSETS:.*]]: tensor<9xindex>, %[[INIT:.*]]: tensor<?x80xf32>
// CHECK-DAG: %[[PANELS:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[THREADS:.*]] = moe.threads
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK: %[[WANTED:.*]] = arith.muli %[[THREADS]], %[[FOUR]]
// CHECK: %[[RUNS:.*]] = arith.minui %[[WANTED]], %[[PANELS]]
// CHECK: scf.forall (%[[TASK:.*]]) in (%[[RUNS]]) shared_outs(%[[OUT:.*]] = %[[INIT]])
// CHECK: %[[BEFORE:.*]] = arith.muli %[[TASK]], %[[PANELS]]
// CHECK: %[[FROM:.*]] = arith.divui %[[BEFORE]], %[[RUNS]]
// CHECK: %[[OWN:.*]] = arith.subi %{{.*}}, %[[FROM]]
// CHECK: %[[TILES:.*]] = arith.muli %[[OWN]], %c8
// CHECK: %[[DONE:.*]] = scf.for %[[I:.*]] = %{{.*}} to %[[TILES]] step %{{.*}} iter_args(%[[ACC:.*]] = %[[OUT]])
// CHECK: %[[E:.*]] = arith.divui %[[I]], %[[OWN]]
// CHECK: %[[P:.*]] = arith.remui %[[I]], %[[OWN]]
// CHECK: %[[N:.*]] = affine.apply #[[$COLUMN]](%[[FROM]], %[[P]])
// CHECK: %[[COLS:.*]] = affine.min #[[$WIDTH]](%[[FROM]], %[[P]])
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[ACC]][0, %[[N]]] [%{{.*}}, %[[COLS]]] [1, 1] : tensor<?x80xf32> to tensor<?x?xf32>
// CHECK: %[[NEXT:.*]] = arith.addi %[[E]], %{{.*}} : index
// CHECK: %[[FIRST:.*]] = tensor.extract %[[OFFSETS]][%[[E]]]
// CHECK: %[[END:.*]] = tensor.extract %[[OFFSETS]][%[[NEXT]]]
// CHECK: %[[M:.*]] = arith.subi %[[END]], %[[FIRST]]
// CHECK: %[[MATRIX:.*]] = tensor.extract_slice %[[W]][%[[E]], %[[N]], 0] [1, %[[COLS]], 4] [1, 1, 1] : tensor<8x80x4xf32> to tensor<?x4xf32>
// CHECK: %[[BLOCK:.*]] = tensor.extract_slice %[[X]][%[[FIRST]], 0] [%[[M]], 4]
// CHECK: linalg.fill
// CHECK: %[[P:.*]] = linalg.generic {indexing_maps = [#[[$ROWS]], #[[$COLUMNS]], #[[$PRODUCT]]]
// CHECK-SAME: ins(%[[BLOCK]], %[[MATRIX]]
// CHECK-SAME: attrs = {moe.tile_product}
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[P]] :
// CHECK: %[[PLACED:.*]] = tensor.insert_slice %[[Y]] into %[[PART]][%[[FIRST]], 0] [%[[M]], %[[COLS]]]
// CHECK: %[[WHOLE:.*]] = tensor.insert_slice %[[PLACED]] into %[[ACC]][0, %[[N]]] [%{{.*}}, %[[COLS]]]
// CHECK: scf.yield %[[WHOLE]]
// CHECK: tensor.parallel_insert_slice %[[DONE]] into %[[OUT]][0, 0]
func.func @plain(%x: tensor<?x4xf32>, %w: tensor<8x80x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x80xf32>)
    -> tensor<?x80xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x80x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x80xf32>)
      -> tensor<?x80xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x80xf32>
}

// -----

// A kernel configuration sets the panel and goes to the tile. Where it divides N, every panel has the same static width.
// CHECK-LABEL: func.func @configured
// CHECK: arith.constant 4 : index
// CHECK: scf.forall
// CHECK-NOT: affine.min
// CHECK: linalg.generic
// CHECK-SAME: outs(%{{.*}} : tensor<?x16xf32>)
// CHECK-SAME: attrs = {moe.tile_product = #moe.kernel_config<level = "x86-64-v3", columns = 16, rows = [6, 3, 1], k_group = 1, vector = 8>}
func.func @configured(%x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      config <level = "x86-64-v3", columns = 16, rows = [6, 3, 1], k_group = 1, vector = 8>
      : tensor<?x4xf32> weights tensor<8x64x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}

// -----

// The number of experts is a loop bound and nothing else: one of them, or 256, is the same IR.
// CHECK-LABEL: func.func @one_expert
// CHECK: %[[E1:c1_[0-9]+]] = arith.constant 1 : index
// CHECK: %[[TILES:.*]] = arith.muli %{{.*}}, %[[E1]]
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[TILES]] step
// CHECK: tensor.extract_slice %{{.*}} [1, 32, 4] [1, 1, 1] : tensor<1x64x4xf32> to tensor<32x4xf32>
func.func @one_expert(%x: tensor<?x4xf32>, %w: tensor<1x64x4xf32>, %offsets: tensor<2xindex>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<1x64x4xf32> offsets tensor<2xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}

// -----

// Rows of bf16 and weights of f16: both are extended, sums are in f32.
// CHECK-LABEL: func.func @formats
// CHECK: ^bb0(%[[A:.*]]: bf16, %[[B:.*]]: f16, %[[SUM:.*]]: f32):
// CHECK: %[[A32:.*]] = arith.extf %[[A]] : bf16 to f32
// CHECK: %[[B32:.*]] = arith.extf %[[B]] : f16 to f32
// CHECK: %[[AB:.*]] = arith.mulf %[[A32]], %[[B32]] : f32
// CHECK: arith.addf %[[SUM]], %[[AB]] : f32
func.func @formats(%x: tensor<?x4xbf16>, %w: tensor<2x32x4xf16>, %offsets: tensor<3xindex>, %init: tensor<?x32xf32>)
    -> tensor<?x32xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xbf16> weights tensor<2x32x4xf16> offsets tensor<3xindex> outs(%init : tensor<?x32xf32>)
      -> tensor<?x32xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x32xf32>
}
