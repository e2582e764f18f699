// RUN: moe-opt %s --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s

// The epilogue was the identity and folded, and the matrix is a whole argument. The panel is a slice of a new argument
// that says how it is packed; the rest is in the before and after of the pass's description.
// CHECK-LABEL: func.func @tile
// CHECK-SAME: %[[OUT:[^:]*]]: index, %[[PACKED:.*]]: tensor<1x1x4x1x8xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>})
// CHECK-NOT: linalg.generic
// CHECK: tensor.extract_slice %[[PACKED]][0, 0, 0, 0, 0] [1, 1, 4, 1, 8]
// CHECK: vector.fma
// CHECK: vector.transfer_write
#config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @tile(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %init: tensor<?x8xf32>, %out: index) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%m) : tensor<?x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<8x4xf32>) outs(%start : tensor<?x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x8xf32>
  %y = tensor.insert_slice %acc into %init[%out, 0] [%m, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
// -----

// A tile that is all of a block of a static number of rows, so that putting it in place folded: here into a panel of
// logits at a column. The tile is made on its own, and inserted as before.
#config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @placement_folded
// CHECK-SAME: %{{.*}}: tensor<4x4xf32>, %{{.*}}: tensor<16x4xf32>, %[[INIT:.*]]: tensor<4x16xf32>, %[[COLUMN:.*]]: index,
// CHECK: %[[BLOCK:.*]] = tensor.empty() : tensor<4x8xf32>
// CHECK: %[[TILE:.*]] = scf.for {{.*}} iter_args(%[[INTO:.*]] = %[[BLOCK]])
// CHECK: vector.transfer_write %{{.*}}, %[[INTO]][%{{.*}}, %c0] {in_bounds = [true]}
// CHECK: tensor.insert_slice %[[TILE]] into %[[INIT]][0, %[[COLUMN]]] [4, 8]
func.func @placement_folded(%x: tensor<4x4xf32>, %w: tensor<16x4xf32>, %init: tensor<4x16xf32>, %column: index)
    -> tensor<4x16xf32> {
  %zero = arith.constant 0.0 : f32
  %matrix = tensor.extract_slice %w[%column, 0] [8, 4] [1, 1] : tensor<16x4xf32> to tensor<8x4xf32>
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %matrix : tensor<4x4xf32>, tensor<8x4xf32>) outs(%start : tensor<4x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  %y = tensor.insert_slice %acc into %init[0, %column] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
