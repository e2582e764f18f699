// RUN: moe-opt %s --moe-select-kernel-config=level=x86-64-v3 --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,V3
// RUN: moe-opt %s --moe-select-kernel-config=level=x86-64-v4 --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,V4
// RUN: moe-opt %s --moe-select-kernel-config=level=avx512-bf16 --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,BF16

// 5 elements of the reduction, 40 columns, rows and weights in bf16: elements one at a time and extended, or in pairs of
// which the last is half empty; panels of which the last is narrow.
// CHECK-LABEL: func.func @bf16
// V3-SAME: tensor<8x3x5x1x16xbf16> {moe.packing = #moe.packing<weights = [0], experts = 8, rows = 40, cols = 5, panel = 16, k_group = 1, type = bf16>}
// V4-SAME: tensor<8x1x5x1x48xbf16> {moe.packing = #moe.packing<weights = [0], experts = 8, rows = 40, cols = 5, panel = 48, k_group = 1, type = bf16>}
// BF16-SAME: tensor<8x1x3x1x96xbf16> {moe.packing = #moe.packing<weights = [0], experts = 8, rows = 40, cols = 5, panel = 48, k_group = 2, type = bf16>}

// Six rows at a time, then three, then one.
// CHECK: %[[R6:.*]] = arith.remui %[[M:.*]], %c6
// CHECK: %[[END6:.*]] = arith.subi %[[M]], %[[R6]]
// CHECK: scf.for %{{.*}} = %c0 to %[[END6]] step %c6

// V3: %[[SUMS:.*]]:12 = scf.for %[[K:.*]] = %c0 to %c5 step %c1
// V3: vector.transfer_read %{{.*}} {in_bounds = [true]} : tensor<5x1x16xbf16>, vector<8xbf16>
// V3: arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// V3: vector.transfer_read %{{.*}}[%{{.*}}, %[[K]]], %{{.*}} {in_bounds = [true]} : tensor<?x5xbf16>, vector<1xbf16>
// V3: vector.fma
// V3: vector.transfer_write %[[SUMS]]#0, %{{.*}} : vector<8xf32>, tensor<?x?xf32>

// V4: %[[SUMS:.*]]:18 = scf.for %{{.*}} = %c0 to %c5 step %c1
// V4-COUNT-18: vector.fma %{{.*}} : vector<16xf32>
// V4: scf.yield
// V4: vector.transfer_write %[[SUMS]]#2, %{{.*}} : vector<16xf32>, tensor<?x40xf32>

// BF16: %[[SUMS:.*]]:18 = scf.for %[[G:.*]] = %c0 to %c2 step %c1
// BF16-COUNT-3: vector.transfer_read %{{.*}} {in_bounds = [true]} : tensor<3x1x96xbf16>, vector<32xbf16>
// BF16: %[[K:.*]] = arith.muli %[[G]], %c2
// BF16: %[[PAIR:.*]] = vector.transfer_read %{{.*}}[%{{.*}}, %[[K]]], %{{.*}} {in_bounds = [true]} : tensor<?x5xbf16>, vector<2xbf16>
// BF16: %[[INT:.*]] = vector.bitcast %[[PAIR]] : vector<2xbf16> to vector<1xi32>
// BF16: x86vector.avx512.dot
// BF16: scf.yield
// The last group: packed weights are zero where the reduction has ended, the row is read up to its end and padded.
// BF16: vector.transfer_read %{{.*}}[%c2, %c0, %c0], %{{.*}} {in_bounds = [true]} : tensor<3x1x96xbf16>, vector<32xbf16>
// BF16: %[[LAST:.*]] = vector.transfer_read %{{.*}}[%{{.*}}, %c4], %[[PAD:.*]] : tensor<?x5xbf16>, vector<2xbf16>
// BF16: %[[DONE:.*]] = x86vector.avx512.dot %[[SUMS]]#0,
// Only the columns that are there are written.
// BF16: vector.transfer_write %{{.*}}, %{{.*}}[%{{.*}}, %c32] : vector<16xf32>, tensor<?x40xf32>

// CHECK: scf.for %{{.*}} step %c3
// CHECK: scf.for %{{.*}} step %c1
func.func @bf16(%x: tensor<?x5xbf16>, %w: tensor<8x40x5xbf16>, %offsets: tensor<9xindex>, %init: tensor<?x40xf32>)
    -> tensor<?x40xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x5xbf16> weights tensor<8x40x5xbf16> offsets tensor<9xindex> outs(%init : tensor<?x40xf32>)
      -> tensor<?x40xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x40xf32>
}

// In f32 every level multiplies one element at a time; two matrices are side by side in a panel.
// CHECK-LABEL: func.func @f32
// V3-SAME: tensor<8x4x5x2x8xf32> {moe.packing = #moe.packing<weights = [0, 1], experts = 8, rows = 32, cols = 5, panel = 8, k_group = 1, type = f32>}
// V4-SAME: tensor<8x1x5x2x32xf32> {moe.packing = #moe.packing<weights = [0, 1], experts = 8, rows = 32, cols = 5, panel = 32, k_group = 1, type = f32>}
// BF16-SAME: tensor<8x1x5x2x32xf32> {moe.packing = #moe.packing<weights = [0, 1], experts = 8, rows = 32, cols = 5, panel = 32, k_group = 1, type = f32>}
// V3: %[[SUMS:.*]]:12 = scf.for
// V4: %[[SUMS:.*]]:24 = scf.for
// BF16: %[[SUMS:.*]]:24 = scf.for
// CHECK-NOT: avx512.dot
// V3-COUNT-12: vector.fma
// V4-COUNT-24: vector.fma
// BF16-COUNT-24: vector.fma
// CHECK: scf.yield
// The accumulators of a row: all vectors of the first matrix, then all of the second.
// V3: arith.mulf %[[SUMS]]#0, %[[SUMS]]#1 : vector<8xf32>
// V4: arith.mulf %[[SUMS]]#0, %[[SUMS]]#2 : vector<16xf32>
// BF16: arith.mulf %[[SUMS]]#0, %[[SUMS]]#2 : vector<16xf32>
func.func @f32(%x: tensor<?x5xf32>, %a: tensor<8x32x5xf32>, %b: tensor<8x32x5xf32>, %offsets: tensor<9xindex>,
               %init: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %y = moe.grouped_matmul %x weights %a, %b offsets %offsets
      : tensor<?x5xf32> weights tensor<8x32x5xf32>, tensor<8x32x5xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%g: f32, %u: f32):
    %s = arith.mulf %g, %u : f32
    moe.yield %s : f32
  }
  return %y : tensor<?x32xf32>
}
