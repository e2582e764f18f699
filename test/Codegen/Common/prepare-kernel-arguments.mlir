// RUN: moe-opt %s --moe-prepare-kernel-arguments --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @k(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<3x2x4xf32> {moe.packing = #moe.packing<weights = [0], experts = 3, rows = 2, cols = 4, panel = 0, k_group = 1, type = f32>},
// CHECK-SAME: %[[OUT:.*]]: memref<?x4xf32, strided<[?, 1]>> {moe.name = "output"}) {
// CHECK: %[[Y:.*]] = linalg.fill
// CHECK: bufferization.materialize_in_destination %[[Y]] in restrict writable %[[OUT]]
// CHECK: return{{$}}
func.func @k(%x: tensor<?x4xf32>, %w: tensor<3x2x4xf32>, %unused: tensor<5xf32>)
    -> (tensor<?x4xf32> {moe.name = "output"}) {
  %c0 = arith.constant 0 : index
  %e = tensor.extract %w[%c0, %c0, %c0] : tensor<3x2x4xf32>
  %y = linalg.fill ins(%e : f32) outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
// -----

// Weights keep their numbers in the kernel as it was written, whichever of them go. A vector is one row; what is packed
// already stays as it is; the rows stay although nothing reads them. Results without names are numbered.
// CHECK-LABEL: func.func @names
// CHECK-SAME: %{{[^:]*}}: tensor<?x4xbf16>,
// CHECK-SAME: tensor<4xf32> {moe.packing = #moe.packing<weights = [1], experts = 1, rows = 1, cols = 4, panel = 0, k_group = 1, type = f32>},
// CHECK-SAME: tensor<2x4xf32> {moe.packing = #moe.packing<weights = [2], experts = 1, rows = 2, cols = 4, panel = 0, k_group = 1, type = f32>},
// CHECK-SAME: tensor<1x1x4x1x8xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>},
// CHECK-SAME: memref<1x1xf32, strided<[?, 1]>> {moe.name = "output"},
// CHECK-SAME: memref<1x1xf32, strided<[?, 1]>> {moe.name = "logits"},
// CHECK-SAME: memref<1x1xf32, strided<[?, 1]>> {moe.name = "result2"}) {
#packed = #moe.packing<weights = [0], experts = 1, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>
func.func @names(%x: tensor<?x4xbf16>, %gone: tensor<8x4xf32>, %bias: tensor<4xf32>, %w: tensor<2x4xf32>,
                 %p: tensor<1x1x4x1x8xf32> {moe.packing = #packed})
    -> (tensor<1x1xf32>, tensor<1x1xf32> {moe.name = "logits"}, tensor<1x1xf32>) {
  %c0 = arith.constant 0 : index
  %a = tensor.extract %bias[%c0] : tensor<4xf32>
  %b = tensor.extract %w[%c0, %c0] : tensor<2x4xf32>
  %c = tensor.extract %p[%c0, %c0, %c0, %c0, %c0] : tensor<1x1x4x1x8xf32>
  %0 = tensor.from_elements %a : tensor<1x1xf32>
  %1 = tensor.from_elements %b : tensor<1x1xf32>
  %2 = tensor.from_elements %c : tensor<1x1xf32>
  return %0, %1, %2 : tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>
}

// A declaration has nothing to prepare.
// CHECK: func.func private @declared(tensor<?x4xf32>) -> tensor<?x4xf32>
func.func private @declared(tensor<?x4xf32>) -> tensor<?x4xf32>

// -----

// expected-error @+1 {{expects results of rank 2 in a kernel, got 'tensor<?xf32>'}}
func.func @vector(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// expected-error @+1 {{expects results of rank 2 in a kernel, got 'f32'}}
func.func @scalar(%x: f32) -> f32 {
  return %x : f32
}

// -----

// A result that comes from one of two branches is written in both, so that each can compute it in place.
// CHECK-LABEL: func.func @branches
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[FEW:.*]]: i1, %[[OUT:.*]]: memref<?x4xf32
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[A:.*]] = arith.negf %[[X]]
// CHECK: bufferization.materialize_in_destination %[[A]] in restrict writable %[[OUT]]
// CHECK: } else {
// CHECK: %[[B:.*]] = arith.addf %[[X]], %[[X]]
// CHECK: bufferization.materialize_in_destination %[[B]] in restrict writable %[[OUT]]
// CHECK: }
// CHECK-NEXT: return
func.func @branches(%x: tensor<?x4xf32>, %few: i1) -> tensor<?x4xf32> {
  %y = scf.if %few -> (tensor<?x4xf32>) {
    %a = arith.negf %x : tensor<?x4xf32>
    scf.yield %a : tensor<?x4xf32>
  } else {
    %b = arith.addf %x, %x : tensor<?x4xf32>
    scf.yield %b : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
