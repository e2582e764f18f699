// RUN: moe-opt %s --moe-emit-thread-tiles --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @tile
// CHECK-SAME: %[[X:[^ ]*]]: tensor<?x4xf32>, %[[W:[^ ]*]]: tensor<8x4xf32>, %[[OUT:[^ ]*]]: tensor<?x8xf32>, %[[FIRST:[^ ]*]]: index, %[[M:[^ ]*]]: index
// CHECK: scf.forall (%[[ROW:.*]], %[[COLUMN:.*]]) in (%[[M]], 8) shared_outs(%[[ALL:.*]] = %[[OUT]])
// CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[ROW]]
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = %c0 to %c4
// CHECK: %[[A:.*]] = tensor.extract %[[X]][%[[AT]], %[[K]]]
// CHECK: %[[B:.*]] = tensor.extract %[[W]][%[[COLUMN]], %[[K]]]
// CHECK: math.fma %[[A]], %[[B]]
// CHECK-NOT: linalg.generic
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %out: tensor<?x8xf32>, %first: index, %m: index)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %rows = tensor.extract_slice %x[%first, 0] [%m, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
  %empty = tensor.empty(%m) : tensor<?x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#rows, #columns, #product],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%rows, %w : tensor<?x4xf32>, tensor<8x4xf32>) outs(%start : tensor<?x8xf32>)
      attrs = {moe.tile_product} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %acc = arith.addf %sum, %ab : f32
    linalg.yield %acc : f32
  } -> tensor<?x8xf32>
  %done = tensor.insert_slice %y into %out[%first, 0] [%m, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
  return %done : tensor<?x8xf32>
}
// -----

// Rows of bf16 are summed in f32. What is not marked as a tile stays.
// CHECK-LABEL: func.func @narrow
// CHECK: scf.for
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: math.fma
// CHECK-LABEL: func.func @no_tile
// CHECK: linalg.generic
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @narrow(%x: tensor<?x4xbf16>, %w: tensor<8x4xbf16>, %out: tensor<?x8xf32>, %first: index, %m: index)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %rows = tensor.extract_slice %x[%first, 0] [%m, 4] [1, 1] : tensor<?x4xbf16> to tensor<?x4xbf16>
  %empty = tensor.empty(%m) : tensor<?x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#rows, #columns, #product],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%rows, %w : tensor<?x4xbf16>, tensor<8x4xbf16>) outs(%start : tensor<?x8xf32>)
      attrs = {moe.tile_product} {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %af = arith.extf %a : bf16 to f32
    %bf = arith.extf %b : bf16 to f32
    %ab = arith.mulf %af, %bf : f32
    %acc = arith.addf %sum, %ab : f32
    linalg.yield %acc : f32
  } -> tensor<?x8xf32>
  %done = tensor.insert_slice %y into %out[%first, 0] [%m, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
  return %done : tensor<?x8xf32>
}
func.func @no_tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %start: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = linalg.generic {indexing_maps = [#rows, #columns, #product],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<8x4xf32>) outs(%start : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %acc = arith.addf %sum, %ab : f32
    linalg.yield %acc : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
