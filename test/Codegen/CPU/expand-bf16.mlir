// RUN: moe-opt %s --moe-expand-bf16 --split-input-file | FileCheck %s
// RUN: not moe-opt %s --moe-expand-bf16=level=sse2 --split-input-file 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: error: unknown machine level: sse2

// CHECK-LABEL: func.func @k(
// CHECK-NOT: arith.extf
// CHECK: arith.shli
func.func @k(%x: bf16) -> f32 {
  %y = arith.extf %x : bf16 to f32
  return %y : f32
}

// -----

// Vectors are expanded lane by lane; the rounding is to nearest, ties to even.
// CHECK-LABEL: func.func @vectors(
// CHECK-NOT: arith.truncf
// CHECK: return %{{.*}} : vector<8xbf16>
func.func @vectors(%x: vector<8xf32>) -> vector<8xbf16> {
  %y = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  return %y : vector<8xbf16>
}

// -----

// A function for a level with the instruction is left alone.
// CHECK-LABEL: func.func @native(
// CHECK: arith.truncf
func.func @native(%x: vector<16xf32>) -> vector<16xbf16> attributes {moe.level = "avx512-bf16"} {
  %y = arith.truncf %x : vector<16xf32> to vector<16xbf16>
  return %y : vector<16xbf16>
}
