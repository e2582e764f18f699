// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func.func @body
// CHECK: %{{.*}}, %{{.*}} = moe.grouped_body %{{.*}}, %{{.*}} weights %{{.*}} offsets %{{.*}} : tensor<?x4xf32>, tensor<?x1xbf16> weights tensor<8x4xf32> offsets tensor<9xindex> outs(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x1xbf16>) -> tensor<?x4xf32>, tensor<?x1xbf16> {
// CHECK-NEXT: ^bb0(%[[R:.*]]: tensor<?x4xf32>, %[[V:.*]]: tensor<?x1xbf16>, %[[W:.*]]: tensor<4xf32>):
// CHECK: moe.yield %{{.*}}, %[[V]] : tensor<?x4xf32>, tensor<?x1xbf16>
func.func @body(%x: tensor<?x4xf32>, %y: tensor<?x1xbf16>, %w: tensor<8x4xf32>, %offsets: tensor<9xindex>,
                %i: tensor<?x4xf32>, %j: tensor<?x1xbf16>) -> (tensor<?x4xf32>, tensor<?x1xbf16>) {
  %a, %b = moe.grouped_body %x, %y weights %w offsets %offsets
      : tensor<?x4xf32>, tensor<?x1xbf16> weights tensor<8x4xf32> offsets tensor<9xindex>
      outs(%i, %j : tensor<?x4xf32>, tensor<?x1xbf16>) -> tensor<?x4xf32>, tensor<?x1xbf16> {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<?x1xbf16>, %s: tensor<4xf32>):
    %m = moe.map %r, %s : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%p: f32, %q: f32):
      %t = arith.mulf %p, %q : f32
      moe.yield %t : f32
    }
    moe.yield %m, %v : tensor<?x4xf32>, tensor<?x1xbf16>
  }
  return %a, %b : tensor<?x4xf32>, tensor<?x1xbf16>
}

// Without weights.
// CHECK-LABEL: func.func @plain
// CHECK: moe.grouped_body %{{.*}} offsets %{{.*}} : tensor<?x4xf32> offsets tensor<9xindex>
func.func @plain(%x: tensor<?x4xf32>, %offsets: tensor<9xindex>) -> tensor<?x4xf32> {
  %a = moe.grouped_body %x offsets %offsets : tensor<?x4xf32> offsets tensor<9xindex>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%r: tensor<?x4xf32>):
    %e = math.exp %r : tensor<?x4xf32>
    moe.yield %e : tensor<?x4xf32>
  }
  return %a : tensor<?x4xf32>
}
