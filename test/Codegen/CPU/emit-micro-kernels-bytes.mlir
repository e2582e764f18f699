// RUN: moe-opt %s --moe-select-kernel-config=level=avx512-vnni --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-select-kernel-config=level=x86-64-v4 --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=FLOATS
// RUN: moe-opt %s --moe-select-kernel-config=level=avx-vnni --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=HALF
// RUN: moe-opt %s --moe-select-kernel-config=level=amx --convert-grouped-to-linalg --canonicalize --cse \
// RUN:   --moe-emit-micro-kernels --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=AMX

// Rows become codes, the start of their sums, and scales; the rounded values themselves are not needed. A sum starts at
// -128 times the sum of the row's codes.
// CHECK-LABEL: func.func @int8
// CHECK-SAME: k_group = 4, type = f32, format = "int8">
// CHECK: %[[PACKED:.*]]:3 = scf.forall
// CHECK: vector.reduction <maxui>
// CHECK: vector.reduction <add>
// CHECK: arith.muli %{{.*}}, %c-128_i32
// CHECK-NOT: moe.row_rounding
// CHECK: tensor.extract %[[PACKED]]#1
// CHECK: moe.dot_bytes {{.*}} : vector<16xi32>, vector<64xi8>
// CHECK: arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
// CHECK: tensor.extract %[[PACKED]]#2
// On tiles the start of a sum and both scales come in behind the reduction. A format with a scale for each block stays
// on vectors.
// AMX-LABEL: func.func @int8
// AMX: amx.tile_muli {{.*}}, {{.*}} zext, {{.*}} : !amx.tile<16x64xi8>, !amx.tile<16x64xi8>, !amx.tile<16x16xi32>
// AMX-NOT: moe.dot_bytes
// AMX: arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
// AMX-LABEL: func.func @int4
// AMX: moe.dot_bytes {{.*}} : vector<16xi32>, vector<64xi8>

// HALF-LABEL: func.func @int8
// HALF: moe.dot_bytes {{.*}} : vector<8xi32>, vector<32xi8>

// Without an instruction for it rows are rounded, and multiplied as floats.
// FLOATS-LABEL: func.func @int8
// FLOATS-SAME: k_group = 1, type = f32, format = "int8">
// FLOATS: moe.row_rounding
// FLOATS-NOT: moe.dot_bytes
func.func @int8(%x: tensor<?x64xbf16>, %w: tensor<8x64x64xf32> {moe.format = "int8"}, %offsets: tensor<9xindex>,
                %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %q = moe.round_rows %x : tensor<?x64xbf16> -> tensor<?x64xf32>
  %y = moe.grouped_matmul %q weights %w offsets %offsets
      : tensor<?x64xf32> weights tensor<8x64x64xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  return %y : tensor<?x64xf32>
}

// -----

// Two blocks of 32, each with a start and a scale; two products of the same rows share their codes.
// CHECK-LABEL: func.func @int4
// CHECK: scf.forall {{.*}} -> (tensor<?x64xi8>, tensor<?x2xi32>, tensor<?x1xf32>)
// CHECK-NOT: scf.forall {{.*}}tensor<?x2xi32>
// CHECK: scf.for {{.*}} = %c0 to %c2 step %c1
// CHECK: arith.andi {{.*}} : vector<64xi8>
// CHECK: arith.shrui {{.*}} : vector<64xi8>
// CHECK: vector.fma
func.func @int4(%x: tensor<?x64xf32>, %v: tensor<8x64x64xf32> {moe.format = "int4:g32"},
                %w: tensor<8x64x64xf32> {moe.format = "int4:g32"}, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %q = moe.round_rows %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %y = moe.grouped_matmul %q weights %v offsets %offsets
      : tensor<?x64xf32> weights tensor<8x64x64xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  %z = moe.grouped_matmul %q weights %w offsets %offsets
      : tensor<?x64xf32> weights tensor<8x64x64xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  return %y, %z : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

// A reduction whose sums may not fit 32 bits is one of floats.
// CHECK-LABEL: func.func @long
// CHECK-NOT: moe.dot_bytes
func.func @long(%x: tensor<?x131073xf32>, %w: tensor<1x16x131073xf32> {moe.format = "int8"}, %offsets: tensor<2xindex>,
                %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %q = moe.round_rows %x : tensor<?x131073xf32> -> tensor<?x131073xf32>
  %y = moe.grouped_matmul %q weights %w offsets %offsets
      : tensor<?x131073xf32> weights tensor<1x16x131073xf32> offsets tensor<2xindex> outs(%init : tensor<?x16xf32>)
      -> tensor<?x16xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  return %y : tensor<?x16xf32>
}
