// RUN: moe-opt %s --convert-grouped-to-linalg --split-input-file | FileCheck %s

// One task is a block of rows. Slot k of row t is row t * 2 + k, and slots are the innermost loop: they are added in
// ascending order, in f32, whatever the element type and the number of threads.
// CHECK: #[[$BLOCK:.*]] = affine_map<(d0)[s0] -> (16, -d0 + s0)>
// CHECK: #[[$SLOTS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK: #[[$WEIGHTS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK: #[[$RESULT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @weighted_sum
// CHECK-SAME: %[[ROWS:.*]]: tensor<?x8xbf16>, %[[WEIGHTS:.*]]: tensor<?x2xf32>, %[[INIT:.*]]: tensor<?x8xbf16>
// CHECK: %[[T:.*]] = tensor.dim %[[INIT]]
// CHECK: scf.forall (%[[FIRST:.*]]) = (0) to (%[[T]]) step (16) shared_outs(%[[OUT:.*]] = %[[INIT]])
// CHECK: %[[M:.*]] = affine.min #[[$BLOCK]](%[[FIRST]])[%[[T]]]
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[FIRST2:.*]] = arith.muli %[[FIRST]], %[[C2]]
// CHECK: %[[M2:.*]] = arith.muli %[[M]], %[[C2]]
// CHECK: %[[FLAT:.*]] = tensor.extract_slice %[[ROWS]][%[[FIRST2]], 0] [%[[M2]], 8]
// CHECK: %[[CUBE:.*]] = tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1], [2]] output_shape [%[[M]], 2, 8]
// CHECK: %[[W:.*]] = tensor.extract_slice %[[WEIGHTS]][%[[FIRST]], 0] [%[[M]], 2]
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[START:.*]] = linalg.fill ins(%[[ZERO]]
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[$SLOTS]], #[[$WEIGHTS]], #[[$RESULT]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-SAME: ins(%[[CUBE]], %[[W]] : {{.*}} outs(%[[START]]
// CHECK-SAME: attrs = {moe.slot_reduction}
// CHECK: ^bb0(%[[Y:.*]]: bf16, %[[WK:.*]]: f32, %[[ACC:.*]]: f32):
// CHECK: %[[Y32:.*]] = arith.extf %[[Y]]
// CHECK: %[[TERM:.*]] = arith.mulf %[[WK]], %[[Y32]]
// CHECK: arith.addf %[[ACC]], %[[TERM]]
// CHECK: %[[NARROW:.*]] = linalg.generic {{.*}} ins(%[[SUM]] :
// CHECK: arith.truncf %{{.*}} : f32 to bf16
// CHECK: tensor.parallel_insert_slice %[[NARROW]] into %[[OUT]][%[[FIRST]], 0] [%[[M]], 8]
func.func @weighted_sum(%r: tensor<?x8xbf16>, %w: tensor<?x2xf32>, %o: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %y = moe.combine_slots %r 2 weighted_sum weights %w : tensor<?x8xbf16>, tensor<?x2xf32> outs(%o : tensor<?x8xbf16>)
      -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// -----

// CHECK-LABEL: func.func @sum
// CHECK: arith.constant 0.000000e+00 : f32
// CHECK: moe.slot_reduction
// CHECK: ^bb0(%[[Y:.*]]: f32, %[[ACC:.*]]: f32):
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[ACC]], %[[Y]] : f32
// CHECK-NEXT: linalg.yield %[[S]]
// CHECK: ^bb0(%[[S:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: linalg.yield %[[S]]
func.func @sum(%r: tensor<?x8xf32>, %o: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.combine_slots %r 3 sum : tensor<?x8xf32> outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// The mean divides once, after the sum. Both 32 rows and their blocks are static.
// CHECK-LABEL: func.func @mean
// CHECK: scf.forall (%{{.*}}) = (0) to (32) step (16)
// CHECK-NOT: affine.min
// CHECK: tensor.expand_shape %{{.*}} : tensor<64x8xf32> into tensor<16x4x8xf32>
// CHECK: moe.slot_reduction
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: %[[QUARTER:.*]] = arith.constant 2.500000e-01 : f32
// CHECK: arith.mulf %{{.*}}, %[[QUARTER]]
func.func @mean(%r: tensor<128x8xf32>, %o: tensor<32x8xf32>) -> tensor<32x8xf32> {
  %y = moe.combine_slots %r 4 mean : tensor<128x8xf32> outs(%o : tensor<32x8xf32>) -> tensor<32x8xf32>
  return %y : tensor<32x8xf32>
}

// -----

// 33 rows: the last block has one, so the blocks are not static although the rows are.
// CHECK: #[[$BLOCK:.*]] = affine_map<(d0) -> (16, -d0 + 33)>
// CHECK-LABEL: func.func @max
// CHECK: %[[M:.*]] = affine.min #[[$BLOCK]]
// CHECK: tensor.expand_shape %{{.*}} output_shape [%[[M]], 1, 8] : tensor<?x8xf32> into tensor<?x1x8xf32>
// CHECK: %[[LEAST:.*]] = arith.constant 0xFF800000 : f32
// CHECK: linalg.fill ins(%[[LEAST]]
// CHECK: arith.maximumf
func.func @max(%r: tensor<33x8xf32>, %o: tensor<33x8xf32>) -> tensor<33x8xf32> {
  %y = moe.combine_slots %r 1 max : tensor<33x8xf32> outs(%o : tensor<33x8xf32>) -> tensor<33x8xf32>
  return %y : tensor<33x8xf32>
}

// -----

// log(exp(acc) + w exp(y)) is computed from the larger term; a sum that is still empty (-inf) takes the term as it is.
// CHECK-LABEL: func.func @log_sum_exp
// CHECK: arith.constant 0xFF800000 : f32
// CHECK: ^bb0(%[[Y:.*]]: f32, %[[W:.*]]: bf16, %[[ACC:.*]]: f32):
// CHECK: %[[W32:.*]] = arith.extf %[[W]]
// CHECK: %[[LOGW:.*]] = math.log %[[W32]]
// CHECK: %[[TERM:.*]] = arith.addf %[[Y]], %[[LOGW]]
// CHECK: %[[HIGH:.*]] = arith.maximumf %[[ACC]], %[[TERM]]
// CHECK: %[[LOW:.*]] = arith.minimumf %[[ACC]], %[[TERM]]
// CHECK: %[[GAP:.*]] = arith.subf %[[LOW]], %[[HIGH]]
// CHECK: math.exp %[[GAP]]
// CHECK: %[[SUM:.*]] = arith.addf %[[HIGH]], %{{.*}}
// CHECK: %[[EMPTY:.*]] = arith.cmpf oeq, %[[LOW]], %{{.*}}
// CHECK: arith.select %[[EMPTY]], %[[HIGH]], %[[SUM]]
func.func @log_sum_exp(%r: tensor<?x8xf32>, %w: tensor<?x3xbf16>, %o: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.combine_slots %r 3 log_sum_exp weights %w : tensor<?x8xf32>, tensor<?x3xbf16> outs(%o : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// All slots of a row hold row t: it is the same for each of them.
// CHECK: #[[$SHARED:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK: #[[$OF_SLOT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @shared
// CHECK: scf.forall
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %arg0[%{{.*}}, 0] [%{{.*}}, 8]
// CHECK: linalg.generic {indexing_maps = [#[[$SHARED]], #[[$OF_SLOT]], #[[$OF_SLOT]], #[[$SHARED]]]
// CHECK-SAME: ins(%[[ROWS]], %{{.*}}, %{{.*}} :
// CHECK-SAME: moe.slot_reduction
func.func @shared(%r: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>, %o: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.combine_slots %r shared 2 weighted_sum weights %w ids %i : tensor<?x8xf32>, tensor<?x2xf32> ids tensor<?x2xi32>
      outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Rows of one number are not read.
// CHECK-LABEL: func.func @number
// CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00 : bf16
// CHECK-NOT: tensor.extract_slice %{{.*}} : tensor<?x8xbf16>
// CHECK: linalg.generic
// CHECK-SAME: moe.slot_reduction
// CHECK-NEXT: ^bb0(%[[W:.*]]: f32, %[[ACC:.*]]: f32):
// CHECK-NEXT: %[[Y:.*]] = arith.extf %[[TWO]]
// CHECK-NEXT: arith.mulf %[[W]], %[[Y]]
func.func @number(%n: index, %w: tensor<?x2xf32>, %o: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %two = arith.constant 2.0 : bf16
  %r = tensor.splat %two[%n] : tensor<?x8xbf16>
  %y = moe.combine_slots %r shared 2 weighted_sum weights %w : tensor<?x8xbf16>, tensor<?x2xf32>
      outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
