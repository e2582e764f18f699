// RUN: moe-opt %s --moe-emit-slot-reductions --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @mean
// CHECK-NOT: linalg
// CHECK: scf.for %[[ROW:.*]] = %c0 to %{{.*}} step %c1 iter_args
// CHECK: %[[SUM:.*]] = scf.for %[[SLOT:.*]] = %c0 to %c2 step %c1
// CHECK: vector.transfer_read %{{.*}}[%[[ROW]], %[[SLOT]], %c0]
// CHECK: %[[MEAN:.*]] = arith.mulf %[[SUM]]
// CHECK: vector.transfer_write %[[MEAN]]
#slots = affine_map<(t, d, k) -> (t, k, d)>
#result = affine_map<(t, d, k) -> (t, d)>
#id = affine_map<(t, d) -> (t, d)>
func.func @mean(%cube: tensor<?x2x8xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %cube, %c0 : tensor<?x2x8xf32>
  %empty = tensor.empty(%rows) : tensor<?x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %sum = linalg.generic {indexing_maps = [#slots, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%cube : tensor<?x2x8xf32>) outs(%start : tensor<?x8xf32>) attrs = {moe.slot_reduction} {
  ^bb0(%y: f32, %acc: f32):
    %next = arith.addf %acc, %y : f32
    linalg.yield %next : f32
  } -> tensor<?x8xf32>
  %half = arith.constant 0.5 : f32
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<?x8xf32>) outs(%init : tensor<?x8xf32>) {
  ^bb0(%s: f32, %old: f32):
    %m = arith.mulf %s, %half : f32
    linalg.yield %m : f32
  } -> tensor<?x8xf32>
  return %mean : tensor<?x8xf32>
}
// -----

// Sums in f32 that go on as they are: what would have put them in place was the identity and folded.
#slots = affine_map<(t, d, k) -> (t, k, d)>
#result = affine_map<(t, d, k) -> (t, d)>
// CHECK-LABEL: func.func @stays_f32
// CHECK-NOT: linalg
// CHECK: %[[EMPTY:.*]] = tensor.empty
// CHECK: %[[Y:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[EMPTY]])
// CHECK: %[[SUM:.*]] = scf.for
// CHECK: vector.transfer_write %[[SUM]]
// CHECK: return %[[Y]]
func.func @stays_f32(%cube: tensor<?x2x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %least = arith.constant 0xFF800000 : f32
  %rows = tensor.dim %cube, %c0 : tensor<?x2x8xf32>
  %empty = tensor.empty(%rows) : tensor<?x8xf32>
  %start = linalg.fill ins(%least : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %max = linalg.generic {indexing_maps = [#slots, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%cube : tensor<?x2x8xf32>) outs(%start : tensor<?x8xf32>) attrs = {moe.slot_reduction} {
  ^bb0(%y: f32, %acc: f32):
    %next = arith.maximumf %acc, %y : f32
    linalg.yield %next : f32
  } -> tensor<?x8xf32>
  return %max : tensor<?x8xf32>
}
