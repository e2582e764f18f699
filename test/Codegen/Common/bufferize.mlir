// RUN: moe-opt %s --moe-bufferize --canonicalize --cse --split-input-file | FileCheck %s

// Rows with any stride, weights without; what was made in a fresh tensor is made in the output.
// CHECK-LABEL: func.func @k(
// CHECK-SAME: %[[X:.*]]: memref<?x4xf32, strided<[?, 1]>>, %[[W:.*]]: memref<3x2x4xf32>, %[[OUT:.*]]: memref<?x4xf32, strided<[?, 1]>>)
// CHECK-NOT: memref.alloc
// CHECK: linalg.fill {{.*}} outs(%[[OUT]]
// CHECK-NOT: memref.copy
func.func @k(%x: tensor<?x4xf32>, %w: tensor<3x2x4xf32>, %out: memref<?x4xf32, strided<[?, 1]>>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.extract %w[%c0, %c0, %c0] : tensor<3x2x4xf32>
  %fresh = tensor.empty(%n) : tensor<?x4xf32>
  %y = linalg.fill ins(%e : f32) outs(%fresh : tensor<?x4xf32>) -> tensor<?x4xf32>
  bufferization.materialize_in_destination %y in restrict writable %out
      : (tensor<?x4xf32>, memref<?x4xf32, strided<[?, 1]>>) -> ()
  return
}
// -----

// Tasks of a parallel loop update disjoint parts of one buffer in place.
// CHECK-LABEL: func.func @parallel
// CHECK-SAME: %[[X:.*]]: memref<?x4xf32, strided<[?, 1]>>, %[[OUT:.*]]: memref<?x4xf32, strided<[?, 1]>>)
// CHECK-NOT: memref.alloc
// CHECK: scf.forall (%[[I:.*]]) in
// CHECK: %[[TO:.*]] = memref.subview %[[OUT]][%[[I]], 0] [1, 4]
// CHECK: %[[FROM:.*]] = memref.subview %[[X]][%[[I]], 0] [1, 4]
// CHECK: linalg.generic {{.*}} ins(%[[FROM]] : {{.*}} outs(%[[TO]] :
// CHECK-NOT: memref.copy
#id = affine_map<(m, n) -> (m, n)>
func.func @parallel(%x: tensor<?x4xf32>, %out: memref<?x4xf32, strided<[?, 1]>>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%n) : tensor<?x4xf32>
  %y = scf.forall (%i) in (%n) shared_outs(%o = %empty) -> (tensor<?x4xf32>) {
    %to = tensor.extract_slice %o[%i, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<1x4xf32>
    %from = tensor.extract_slice %x[%i, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<1x4xf32>
    %row = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%from : tensor<1x4xf32>) outs(%to : tensor<1x4xf32>) {
    ^bb0(%a: f32, %old: f32):
      %neg = arith.negf %a : f32
      linalg.yield %neg : f32
    } -> tensor<1x4xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %row into %o[%i, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<?x4xf32>
    }
  }
  bufferization.materialize_in_destination %y in restrict writable %out
      : (tensor<?x4xf32>, memref<?x4xf32, strided<[?, 1]>>) -> ()
  return
}

// -----

// A copy that cannot be avoided - the rows are read after they were changed - is loops: kernels have no runtime library
// that memref.copy could call.
// CHECK-LABEL: func.func @copy
// CHECK-SAME: %[[X:.*]]: memref<?x4xf32, strided<[?, 1]>>
// CHECK: %[[BUFFER:.*]] = memref.alloc
// CHECK-NOT: memref.copy
// CHECK: linalg.generic {{.*}} ins(%[[X]] : {{.*}} outs(%[[BUFFER]] :
// CHECK: memref.store %{{.*}}, %[[BUFFER]]
// CHECK: memref.load %[[X]]
func.func @copy(%x: tensor<?x4xf32> {bufferization.writable = false}, %f: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %changed = tensor.insert %f into %x[%c0, %c0] : tensor<?x4xf32>
  %a = tensor.extract %x[%c0, %c0] : tensor<?x4xf32>
  %b = tensor.extract %changed[%c0, %c0] : tensor<?x4xf32>
  %sum = arith.addf %a, %b : f32
  return %sum : f32
}
