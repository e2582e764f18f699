// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func.func @all
// CHECK: moe.combine_slots %{{.*}} 2 weighted_sum weights %{{.*}} ids %{{.*}} others %{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x2xf32> ids tensor<?x2xi32> others tensor<?x4xbf16>, tensor<4xf32> outs(%{{.*}} : tensor<?x4xbf16>) -> tensor<?x4xbf16> epilogue {
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: bf16, %{{.*}}: f32):
func.func @all(%s: tensor<?x4xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %x: tensor<?x4xbf16>, %v: tensor<4xf32>)
    -> tensor<?x4xbf16> {
  %y = moe.combine_slots %s 2 weighted_sum weights %w ids %ids others %x, %v
      : tensor<?x4xf32>, tensor<?x2xf32> ids tensor<?x2xi32> others tensor<?x4xbf16>, tensor<4xf32>
      outs(%x : tensor<?x4xbf16>) -> tensor<?x4xbf16> epilogue {
  ^bb0(%a: f32, %b: bf16, %c: f32):
    %m = arith.mulf %a, %c : f32
    %t = arith.truncf %m : f32 to bf16
    %u = arith.addf %t, %b : bf16
    moe.yield %u : bf16
  }
  return %y : tensor<?x4xbf16>
}
