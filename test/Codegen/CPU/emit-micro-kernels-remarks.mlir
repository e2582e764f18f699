// RUN: moe-opt %s --moe-emit-micro-kernels | FileCheck %s
// RUN: moe-opt %s --moe-emit-micro-kernels --remarks-filter=moe-emit-micro-kernels -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// A matrix that is no argument cannot be packed ahead of time. The tile stays, and becomes plain loops.
// REMARK: [Missed] no micro-kernel | Category:moe-emit-micro-kernels | {{.*}}Reason="the ops round the product are not those of a tile"
// CHECK-LABEL: func.func @computed_matrix
// CHECK: moe.tile_product
#config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @computed_matrix(%x: tensor<4x4xf32>, %w: tensor<2x8x4xf32>) -> tensor<4x8xf32> {
  %v = tensor.extract_slice %w[0, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %m = math.absf %v : tensor<8x4xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<4x4xf32>, tensor<8x4xf32>) outs(%start : tensor<4x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  return %acc : tensor<4x8xf32>
}
