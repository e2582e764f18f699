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

// -----

// What a loop of a task carries on from one empty tensor twice is two buffers: one is read while the other is written.
// CHECK-LABEL: func.func @one_empty_tensor
// CHECK: scf.forall
// CHECK-COUNT-2: memref.alloc() {{.*}}: memref<4xf32>
// CHECK: linalg.fill {{.*}} outs(%[[B:[^ ]*]] :
// CHECK: scf.for
// CHECK: memref.load %[[B]]
// CHECK-NOT: memref.store %{{.*}}, %[[B]][
// CHECK: return
func.func @one_empty_tensor(%x: f32, %i: index, %n: index, %out: memref<?xf32, strided<[?]>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %all = tensor.empty(%n) : tensor<?xf32>
  %y = scf.forall (%j) in (%n) shared_outs(%o = %all) -> (tensor<?xf32>) {
    %slice = tensor.extract_slice %o[%j] [1] [1] : tensor<?xf32> to tensor<1xf32>
    %empty = tensor.empty() : tensor<4xf32>
    %carried:3 = scf.for %l = %c0 to %c1 step %c1
        iter_args(%part = %slice, %a = %empty, %b = %empty) -> (tensor<1xf32>, tensor<4xf32>, tensor<4xf32>) {
      %filled = linalg.fill ins(%x : f32) outs(%b : tensor<4xf32>) -> tensor<4xf32>
      %moved = scf.for %k = %c0 to %n step %c1 iter_args(%to = %a) -> (tensor<4xf32>) {
        %value = tensor.extract %filled[%i] : tensor<4xf32>
        %next = tensor.insert %value into %to[%k] : tensor<4xf32>
        scf.yield %next : tensor<4xf32>
      }
      %result = tensor.extract %moved[%i] : tensor<4xf32>
      %new = tensor.insert %result into %part[%c0] : tensor<1xf32>
      scf.yield %new, %moved, %filled : tensor<1xf32>, tensor<4xf32>, tensor<4xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %carried#0 into %o[%j] [1] [1] : tensor<1xf32> into tensor<?xf32>
    }
  }
  bufferization.materialize_in_destination %y in restrict writable %out
      : (tensor<?xf32>, memref<?xf32, strided<[?]>>) -> ()
  return
}

// -----

// Of two branches one runs: what they compute into a fresh tensor is in one place.
// CHECK-LABEL: func.func @branches
// CHECK: %[[BUFFER:.*]] = memref.alloc
// CHECK-NOT: memref.alloc
// CHECK: scf.if
// CHECK: outs(%[[BUFFER]]
// CHECK: outs(%[[BUFFER]]
// CHECK-NOT: memref.copy
func.func @branches(%few: i1, %a: f32, %b: f32, %i: index) -> f32 {
  %empty = tensor.empty() : tensor<4xf32>
  %y = scf.if %few -> (tensor<4xf32>) {
    %f = linalg.fill ins(%a : f32) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %f : tensor<4xf32>
  } else {
    %g = linalg.fill ins(%b : f32) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %g : tensor<4xf32>
  }
  %v = tensor.extract %y[%i] : tensor<4xf32>
  return %v : f32
}
