// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --moe-expand-math | FileCheck %s

// CHECK-LABEL: func @vector
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : vector<16xf32>
// CHECK: return
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}

// Half precision is computed in f32 and rounded once.
// CHECK-LABEL: func @half
// CHECK: arith.extf {{.*}} : bf16 to f32
// CHECK-NOT: math.tanh
// CHECK: arith.truncf {{.*}} : f32 to bf16
func.func @half(%x: bf16) -> bf16 {
  %y = math.tanh %x : bf16
  return %y : bf16
}

// CHECK-LABEL: func @instructions
// CHECK: math.sqrt
// CHECK: math.floor
func.func @instructions(%x: f32) -> f32 {
  %y = math.sqrt %x : f32
  %z = math.floor %y : f32
  return %z : f32
}
