// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// Every op of the model form that no hand-written layer has, and every part an attribute can have.

// CHECK-LABEL: func.func private @attributes
// CHECK-SAME: a = #moe.top_k<8>
// CHECK-SAME: b = #moe.top_k<4, axis = row, window = 16>
// CHECK-SAME: c = #moe.top_k<1, capacity = 64>
// CHECK-SAME: d = #moe.group_top_k<8, groups = 8, keep = 4, reduce = top2_sum>
// CHECK-SAME: e = #moe.group_top_k<8, groups = 8, keep = 4, mask = zero>
// CHECK-SAME: f = #moe.all
// CHECK-SAME: g = [#moe.softmax, #moe.sigmoid, #moe.sqrt_softplus, #moe.relu, #moe.identity, #moe.one]
// CHECK-SAME: h = #moe.packing<weights = [1, 2], experts = 8, rows = 6, cols = 4, panel = 32, k_group = 2, type = bf16>
func.func private @attributes() attributes {
  a = #moe.top_k<8>, b = #moe.top_k<4, window = 16, axis = row>, c = #moe.top_k<1, axis = expert, capacity = 64>,
  d = #moe.group_top_k<8, groups = 8, keep = 4, reduce = top2_sum>,
  e = #moe.group_top_k<8, keep = 4, groups = 8, reduce = max, mask = zero>, f = #moe.all,
  g = [#moe.softmax, #moe.sigmoid, #moe.sqrt_softplus, #moe.relu, #moe.identity, #moe.one],
  h = #moe.packing<weights = [1, 2], experts = 8, rows = 6, cols = 4, panel = 32, k_group = 2, type = bf16>}

// CHECK-LABEL: func.func @routing
// CHECK: %routing = moe.make_routing %{{.*}}, %{{.*}} : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
// CHECK: %experts, %weights = moe.unpack_routing %routing
// CHECK: %rows = moe.dispatch %{{.*}} by %routing weighted
// CHECK: %outputs = moe.experts %rows :
// CHECK-NEXT: ^bb0(%r: tensor<?x4xf32>):
// CHECK: moe.combine %outputs by %routing mean
// CHECK: moe.combine %outputs by %routing max
func.func @routing(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %w: tensor<?x2xf32>) -> (tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %r = moe.make_routing %i, %w : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
  %ids, %weights = moe.unpack_routing %r : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows = moe.dispatch %x by %r weighted : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>):
    moe.yield %row : tensor<?x4xf32>
  }
  %a = moe.combine %y by %r mean : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  %b = moe.combine %y by %r max : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %ids, %a, %b : tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// Constants of a scalar function stay in it.
// CHECK-LABEL: func.func @map
// CHECK-NEXT: moe.map
// CHECK-NEXT: ^bb0
// CHECK-NEXT: arith.constant
func.func @map(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = moe.map %x : tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%v: f32):
    %c = arith.constant 2.0 : f32
    %m = arith.mulf %v, %c : f32
    moe.yield %m : f32
  }
  return %y : tensor<?x4xf32>
}

// CHECK: moe.weight @dead : tensor<8x4x4xf32> from "experts.{e}.w" unused [2, 4, 7, 8]
moe.weight @dead : tensor<8x4x4xf32> from "experts.{e}.w" unused [2, 4, 7, 8]

// CHECK-LABEL: func.func @part
// CHECK: %part = moe.narrow_routing %{{.*}} from 7 to 8 : !moe.routing<8, 2, f32> -> !moe.routing<1, 2, f32>
func.func @part(%r: !moe.routing<8, 2, f32>) -> !moe.routing<1, 2, f32> {
  %p = moe.narrow_routing %r from 7 to 8 : !moe.routing<8, 2, f32> -> !moe.routing<1, 2, f32>
  return %p : !moe.routing<1, 2, f32>
}

// CHECK-LABEL: func.func @cosine
// CHECK: %logits = moe.score.cosine %arg0, %arg1 : tensor<?x4xbf16>, tensor<3x4xf32> -> tensor<?x3xf32>
// CHECK: moe.score.cosine %arg0, %arg1 row_eps 1.000000e-02 vector_eps 2.000000e-02 scale 1.600000e+01 :
func.func @cosine(%x: tensor<?x4xbf16>, %v: tensor<3x4xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %0 = moe.score.cosine %x, %v row_eps 0.0 scale 1.0 : tensor<?x4xbf16>, tensor<3x4xf32> -> tensor<?x3xf32>
  %1 = moe.score.cosine %x, %v row_eps 0.01 vector_eps 0.02 scale 16.0
      : tensor<?x4xbf16>, tensor<3x4xf32> -> tensor<?x3xf32>
  return %0, %1 : tensor<?x3xf32>, tensor<?x3xf32>
}
