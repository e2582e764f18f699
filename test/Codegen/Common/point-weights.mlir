// RUN: moe-opt %s --moe-point-weights --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @k
// CHECK-SAME: %[[TABLE:[^:]*]]: memref<8xi64> {moe.packing = #moe.packing<weights = [0], experts = 8,{{.*}}>}, %[[E:.*]]: index, %[[P:.*]]: index)
// CHECK: %[[A:.*]] = memref.load %[[TABLE]][%[[E]]] : memref<8xi64>
// CHECK: %[[M:.*]] = moe.from_address %[[A]] : memref<2x4x1x16xf32>
// CHECK: memref.subview %[[M]][%[[P]], 0, 0, 0] [1, 4, 1, 16] [1, 1, 1, 1]
#packing = #moe.packing<weights = [0], experts = 8, rows = 32, cols = 4, panel = 16, k_group = 1, type = f32>
func.func @k(%x: memref<?x4xf32, strided<[?, 1]>>, %w: memref<8x2x4x1x16xf32> {moe.packing = #packing}, %e: index,
             %p: index) -> f32 {
  %c0 = arith.constant 0 : index
  %panel = memref.subview %w[%e, %p, 0, 0, 0] [1, 1, 4, 1, 16] [1, 1, 1, 1, 1]
      : memref<8x2x4x1x16xf32> to memref<4x1x16xf32, strided<[16, 16, 1], offset: ?>>
  %y = memref.load %panel[%c0, %c0, %c0] : memref<4x1x16xf32, strided<[16, 16, 1], offset: ?>>
  return %y : f32
}
// -----

// Of the dimensions of one element the old slice kept the expert's; the new one has none of that stride.
// CHECK-LABEL: func.func @one_element_an_expert
// CHECK: %[[M:.*]] = moe.from_address %{{.*}} : memref<2x1x1x16xf32>
// CHECK: memref.reinterpret_cast %{{.*}} to offset: [%{{.*}}], sizes: [1, 1, 16], strides: [32, 16, 1]
#thin = #moe.packing<weights = [0], experts = 8, rows = 32, cols = 1, panel = 16, k_group = 1, type = f32>
func.func @one_element_an_expert(%w: memref<8x2x1x1x16xf32> {moe.packing = #thin}, %e: index, %p: index) -> f32 {
  %c0 = arith.constant 0 : index
  %panel = memref.subview %w[%e, %p, 0, 0, 0] [1, 1, 1, 1, 16] [1, 1, 1, 1, 1]
      : memref<8x2x1x1x16xf32> to memref<1x1x16xf32, strided<[32, 16, 1], offset: ?>>
  %y = memref.load %panel[%c0, %c0, %c0] : memref<1x1x16xf32, strided<[32, 16, 1], offset: ?>>
  return %y : f32
}

// -----

// One expert and one panel: the slice is all of the weight. A weight that is not packed has no table.
// CHECK-LABEL: func.func @one_expert
// CHECK-SAME: memref<1xi64> {moe.packing = #moe.packing<weights = [0],
// CHECK-SAME: memref<8x4xf32> {moe.packing = #moe.packing<weights = [1],
// CHECK: memref.load %{{.*}}[%c0] : memref<1xi64>
// CHECK: moe.from_address %{{.*}} : memref<1x4x1x8xf32>
#packed = #moe.packing<weights = [0], experts = 1, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>
#plain = #moe.packing<weights = [1], experts = 1, rows = 8, cols = 4, panel = 0, k_group = 1, type = f32>
func.func @one_expert(%x: memref<?x4xf32>, %w: memref<1x1x4x1x8xf32> {moe.packing = #packed},
                      %v: memref<8x4xf32> {moe.packing = #plain}) -> f32 {
  %c0 = arith.constant 0 : index
  %panel = memref.subview %w[0, 0, 0, 0, 0] [1, 1, 4, 1, 8] [1, 1, 1, 1, 1]
      : memref<1x1x4x1x8xf32> to memref<4x1x8xf32, strided<[8, 8, 1]>>
  %a = memref.load %panel[%c0, %c0, %c0] : memref<4x1x8xf32, strided<[8, 8, 1]>>
  %b = memref.load %v[%c0, %c0] : memref<8x4xf32>
  %sum = arith.addf %a, %b : f32
  return %sum : f32
}

// -----

#packed = #moe.packing<weights = [0], experts = 2, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>
func.func @not_a_slice(%x: memref<?x4xf32>, %w: memref<2x1x4x1x8xf32> {moe.packing = #packed}) -> f32 {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{uses a packed weight, but is no slice of one expert}}
  %a = memref.load %w[%c0, %c0, %c0, %c0, %c0] : memref<2x1x4x1x8xf32>
  return %a : f32
}

// -----

#packed = #moe.packing<weights = [0], experts = 2, rows = 8, cols = 4, panel = 8, k_group = 1, type = f32>
func.func @two_experts(%x: memref<?x4xf32>, %w: memref<2x1x4x1x8xf32> {moe.packing = #packed}) -> f32 {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{takes more than one expert of a packed weight}}
  %both = memref.subview %w[0, 0, 0, 0, 0] [2, 1, 4, 1, 8] [1, 1, 1, 1, 1]
      : memref<2x1x4x1x8xf32> to memref<2x1x4x1x8xf32, strided<[32, 32, 8, 8, 1]>>
  %a = memref.load %both[%c0, %c0, %c0, %c0, %c0] : memref<2x1x4x1x8xf32, strided<[32, 32, 8, 8, 1]>>
  return %a : f32
}
