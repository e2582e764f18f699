// RUN: moe-opt %s --moe-select-kernel-config=level=x86-64-v4 --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-select-kernel-config=level=avx512-bf16 --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s

// 48 columns of 5 bytes, then 48 scales of f32: 432 bytes a panel. Bytes are multiplied as they are, the sums by the
// scales.
// CHECK-LABEL: func.func @int8
// CHECK-SAME: tensor<8x1x432xi8> {moe.packing = #moe.packing<weights = [0], experts = 8, rows = 40, cols = 5, panel = 48, k_group = 1, type = f32, format = "int8">}
// CHECK: %[[SUMS:.*]]:18 = scf.for %[[K:.*]] = %c0 to %c5 step %c1
// CHECK: %[[START:.*]] = arith.muli %[[K]], %c48
// CHECK: %[[BYTES:.*]] = vector.transfer_read %{{.*}}[%[[START]]], %{{.*}} {in_bounds = [true]} : tensor<432xi8>, vector<16xi8>
// CHECK: %[[NUMBERS:.*]] = arith.xori %[[BYTES]], %{{.*}} : vector<16xi8>
// CHECK: arith.sitofp %[[NUMBERS]] : vector<16xi8> to vector<16xf32>
// CHECK: scf.yield
// CHECK: vector.transfer_read %{{.*}}[%c240], %{{.*}} : tensor<432xi8>, vector<64xi8>
// CHECK: vector.bitcast %{{.*}} : vector<64xi8> to vector<16xf32>
// CHECK-COUNT-18: arith.mulf %[[SUMS]]#
func.func @int8(%x: tensor<?x5xbf16>, %w: tensor<8x40x5xf32> {moe.format = "int8"}, %offsets: tensor<9xindex>,
                %init: tensor<?x40xf32>) -> tensor<?x40xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x5xbf16> weights tensor<8x40x5xf32> offsets tensor<9xindex> outs(%init : tensor<?x40xf32>)
      -> tensor<?x40xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  return %y : tensor<?x40xf32>
}

// -----

// K = 35: a whole block of 32, then one pair and a single element of the next. A block is 16 pairs and a scale of two
// bytes for each of 48 columns, 864 bytes.
// CHECK-LABEL: func.func @int4
// CHECK-SAME: tensor<8x1x1728xi8> {moe.packing = #moe.packing<{{.*}} cols = 35, panel = 48, k_group = 1, type = f32, format = "int4:g32">}
// CHECK: vector.bitcast %{{.*}} : vector<32xi8> to vector<16xi16>
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c1
// CHECK: arith.subi
func.func @int4(%x: tensor<?x35xf32>, %w: tensor<8x40x35xf32> {moe.format = "int4:g32"}, %offsets: tensor<9xindex>,
                %init: tensor<?x40xf32>) -> tensor<?x40xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x35xf32> weights tensor<8x40x35xf32> offsets tensor<9xindex> outs(%init : tensor<?x40xf32>)
      -> tensor<?x40xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  return %y : tensor<?x40xf32>
}
