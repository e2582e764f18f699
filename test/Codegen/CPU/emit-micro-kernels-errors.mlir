// RUN: moe-opt %s --moe-emit-micro-kernels --split-input-file --verify-diagnostics -o /dev/null

#config = #moe.kernel_config<level = "pdp11", columns = 8, rows = [1], k_group = 1, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @unknown_level(%x: tensor<4x4xf32>, %w: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @+1 {{names a machine level that this build does not have: pdp11}}
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x4xf32>, tensor<8x4xf32>) outs(%start : tensor<4x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  return %acc : tensor<4x8xf32>
}

// -----

// An epilogue that is no elementwise arithmetic: it branches on a sum.
#id = affine_map<(m, n) -> (m, n)>
#config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @branches(%x: tensor<4x4xf32>, %w: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x4xf32>, tensor<8x4xf32>) outs(%start : tensor<4x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  // expected-error @+1 {{cannot run on vectors, as an epilogue must}}
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%s: f32, %old: f32):
    %positive = arith.cmpf ogt, %s, %zero : f32
    %v = scf.if %positive -> f32 {
      scf.yield %s : f32
    } else {
      scf.yield %zero : f32
    }
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// The configuration of another level under this one's name.
#config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [1], k_group = 2, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
func.func @wrong_group(%x: tensor<4x4xf32>, %w: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @+1 {{has a configuration that is not one of the level x86-64-v3: expects k_group = 1, vector = 8 and columns a multiple of that}}
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x4xf32>, tensor<8x4xf32>) outs(%start : tensor<4x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  return %acc : tensor<4x8xf32>
}
