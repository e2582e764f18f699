// RUN: moe-opt %s --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s

// A tile of more rows than its tallest block brings the panel that a moe.prefetch names near: 8 reads of the reduction are
// one share, and blocks carry the line at which the next share begins. 64 steps of 8 f32 are 32 lines of a panel.
#config = #moe.kernel_config<level = "x86-64-v3", columns = 8, rows = [2, 1], k_group = 1, vector = 8>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @next
// CHECK-SAME: %[[NEXT:[^ :]*]]: index, %[[M:[^ :]*]]: index, %[[OUT:[^ :]*]]: index, %[[PACKED:[^ :]*]]: tensor<4x1x64x1x8xf32>
// CHECK-DAG: %[[PANEL:.*]] = tensor.extract_slice %[[PACKED]][%[[NEXT]], 0, 0, 0, 0] [1, 1, 64, 1, 8]
// CHECK: arith.cmpi ugt, %{{.*}}, %c2
// CHECK-DAG: bufferization.to_buffer
// CHECK: scf.for {{.*}} step %c2 iter_args(%{{.*}} = %{{.*}}, %[[LINE:.*]] = %c0)
// CHECK: scf.for %[[SHARE:.*]] = %c0 to %c8 step %c1
// CHECK: scf.for %[[AT:.*]] = %{{.*}} to %{{.*}} step %c1
// CHECK: %[[ELEMENT:.*]] = arith.muli %[[AT]], %c16
// CHECK: memref.prefetch %{{.*}}[%[[ELEMENT]]], read, locality<2>, data
// CHECK: scf.for %{{.*}} = %c0 to %c8 step %c1
// CHECK-COUNT-2: vector.fma
// CHECK: scf.for {{.*}} step %c1 iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}#1)
// CHECK-NOT: moe.prefetch
func.func @next(%x: tensor<?x64xf32>, %w: tensor<4x8x64xf32>, %init: tensor<?x8xf32>, %expert: index, %following: index,
                %m: index, %out: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %own = tensor.extract_slice %w[%expert, 0, 0] [1, 8, 64] [1, 1, 1] : tensor<4x8x64xf32> to tensor<8x64xf32>
  %next = tensor.extract_slice %w[%following, 0, 0] [1, 8, 64] [1, 1, 1] : tensor<4x8x64xf32> to tensor<8x64xf32>
  %block = tensor.extract_slice %x[0, 0] [%m, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
  %empty = tensor.empty(%m) : tensor<?x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  moe.prefetch %next : tensor<8x64xf32>
  %acc = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%block, %own : tensor<?x64xf32>, tensor<8x64xf32>) outs(%start : tensor<?x8xf32>)
      attrs = {moe.tile_product = #config} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %sums = arith.addf %sum, %ab : f32
    linalg.yield %sums : f32
  } -> tensor<?x8xf32>
  %y = tensor.insert_slice %acc into %init[%out, 0] [%m, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A prefetch beside a tile that no micro-kernel takes goes: there is no packed panel to bring near.
// CHECK-LABEL: func.func @no_kernel
// CHECK: linalg.generic
// CHECK-NOT: moe.prefetch
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func @no_kernel(%x: tensor<4x8xf32>, %w: tensor<3x2x8xf32>, %out: tensor<4x2xf32>, %e: index) -> tensor<4x2xf32> {
  %m = tensor.extract_slice %w[%e, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<2x8xf32>
  moe.prefetch %m : tensor<2x8xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                        affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<2x8xf32>) outs(%out : tensor<4x2xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %c, %p : f32
    linalg.yield %q : f32
  } -> tensor<4x2xf32>
  return %s : tensor<4x2xf32>
}
