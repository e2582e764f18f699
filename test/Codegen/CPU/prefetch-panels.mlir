// RUN: moe-opt %s --moe-prefetch-panels --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-prefetch-panels --remarks-filter=moe-prefetch-panels --split-input-file -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// The matrices of the next iteration, computed from its number alone; the last iteration names its own.
// CHECK-LABEL: func.func @tiles
// CHECK: scf.for %[[E:.*]] = %c0 to %[[END:.*]] step %[[STEP:.*]] iter_args
// CHECK: %[[FOLLOWING:.*]] = arith.addi %[[E]], %[[STEP]]
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[FOLLOWING]], %[[END]]
// CHECK: %[[NEXT:.*]] = arith.select %[[MORE]], %[[FOLLOWING]], %[[E]]
// CHECK: %[[MATRIX:.*]] = tensor.extract_slice %{{.*}}[%[[NEXT]], 0, 0] [1, 2, 8] [1, 1, 1]
// CHECK: moe.prefetch %[[MATRIX]] : tensor<2x8xf32>
// CHECK-NEXT: linalg.generic
// REMARK: [Passed] panel | Category:moe-prefetch-panels
func.func @tiles(%x: tensor<4x8xf32>, %w: tensor<3x2x8xf32>, %out: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%acc = %out) -> tensor<4x2xf32> {
    %m = tensor.extract_slice %w[%e, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<2x8xf32>
    %s = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                          affine_map<(m, n, k) -> (m, n)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %m : tensor<4x8xf32>, tensor<2x8xf32>) outs(%acc : tensor<4x2xf32>) attrs = {moe.tile_product} {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
    } -> tensor<4x2xf32>
    scf.yield %s : tensor<4x2xf32>
  }
  return %y : tensor<4x2xf32>
}

// -----

// The expert of a tile is data: it is read for the next iteration, too.
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @experts_are_data
// CHECK: %[[NEXT:.*]] = arith.select
// CHECK: %[[EXPERT:.*]] = tensor.extract %{{.*}}[%[[NEXT]]]
// CHECK: %[[MATRIX:.*]] = tensor.extract_slice %{{.*}}[%[[EXPERT]], 0, 0]
// CHECK: moe.prefetch %[[MATRIX]]
// REMARK: [Passed] panel | Category:moe-prefetch-panels
func.func @experts_are_data(%x: tensor<4x8xf32>, %w: tensor<3x2x8xf32>, %ids: tensor<5xindex>, %out: tensor<4x2xf32>)
    -> tensor<4x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %y = scf.for %i = %c0 to %c5 step %c1 iter_args(%acc = %out) -> tensor<4x2xf32> {
    %e = tensor.extract %ids[%i] : tensor<5xindex>
    %m = tensor.extract_slice %w[%e, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<2x8xf32>
    %s = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %m : tensor<4x8xf32>, tensor<2x8xf32>) outs(%acc : tensor<4x2xf32>) attrs = {moe.tile_product} {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
    } -> tensor<4x2xf32>
    scf.yield %s : tensor<4x2xf32>
  }
  return %y : tensor<4x2xf32>
}

// -----

// One tile, and tiles whose weights are the same or come from the iteration before: nothing is named.
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (n, k)>
#product = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @nothing_next
// CHECK-NOT: moe.prefetch
// REMARK-COUNT-3: [Missed] panel | Category:moe-prefetch-panels | {{.*}}Reason="no loop of this task knows the next tile"
func.func @nothing_next(%x: tensor<4x8xf32>, %w: tensor<2x8xf32>, %out: tensor<4x2xf32>)
    -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %one = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x8xf32>, tensor<2x8xf32>) outs(%out : tensor<4x2xf32>) attrs = {moe.tile_product} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %c, %p : f32
    linalg.yield %q : f32
  } -> tensor<4x2xf32>
  %same = scf.for %i = %c0 to %c5 step %c1 iter_args(%acc = %out) -> tensor<4x2xf32> {
    %s = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<4x8xf32>, tensor<2x8xf32>) outs(%acc : tensor<4x2xf32>) attrs = {moe.tile_product} {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
    } -> tensor<4x2xf32>
    scf.yield %s : tensor<4x2xf32>
  }
  %carried:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%acc = %out, %m = %w) -> (tensor<4x2xf32>, tensor<2x8xf32>) {
    %s = linalg.generic {indexing_maps = [#rows, #columns, #product],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %m : tensor<4x8xf32>, tensor<2x8xf32>) outs(%acc : tensor<4x2xf32>) attrs = {moe.tile_product} {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
    } -> tensor<4x2xf32>
    scf.yield %s, %m : tensor<4x2xf32>, tensor<2x8xf32>
  }
  return %one, %same, %carried#0 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
}
