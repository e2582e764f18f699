// RUN: moe-opt %s --canonicalize | FileCheck %s

// Constants of scalar functions and expert bodies stay where they are used.
// CHECK-LABEL: func.func @constants
// CHECK-NEXT: moe.experts
// CHECK-NEXT: ^bb0
// CHECK-NEXT: moe.map
// CHECK-NEXT: ^bb0(%[[V:.*]]: f32):
// CHECK-NEXT: %[[SIX:.*]] = arith.constant 6.0
// CHECK-NEXT: arith.mulf %[[V]], %[[SIX]]
func.func @constants(%x: !moe.ragged<8, 4, f32>) -> !moe.ragged<8, 4, f32> {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    %m = moe.map %r : tensor<?x4xf32> -> tensor<?x4xf32> {
    ^bb0(%v: f32):
      %a = arith.constant 2.0 : f32
      %b = arith.constant 3.0 : f32
      %c = arith.mulf %a, %b : f32
      %p = arith.mulf %v, %c : f32
      moe.yield %p : f32
    }
    moe.yield %m : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}

// All experts of a routing are the routing.
// CHECK-LABEL: func.func @whole
// CHECK-NEXT: return %arg0
func.func @whole(%r: !moe.routing<8, 2, f32>) -> !moe.routing<8, 2, f32> {
  %p = moe.narrow_routing %r from 0 to 8 : !moe.routing<8, 2, f32> -> !moe.routing<8, 2, f32>
  return %p : !moe.routing<8, 2, f32>
}

// Sizes that casts hide are seen, with an epilogue and without.
// CHECK-LABEL: func.func @casts(
// CHECK-SAME: %[[ROWS:.*]]: tensor<6x4xf32>, %[[WEIGHTS:.*]]: tensor<3x2xf32>, %[[INIT:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[Y:.*]] = moe.combine_slots %[[ROWS]] 2 weighted_sum weights %[[WEIGHTS]] : tensor<6x4xf32>, tensor<3x2xf32> outs(%[[INIT]] : tensor<3x4xf32>) -> tensor<3x4xf32>
// CHECK-NEXT: %[[Z:.*]] = moe.combine_slots %[[ROWS]] 2 sum others %[[Y]] {{.*}} outs(%[[INIT]] : tensor<3x4xf32>) -> tensor<3x4xf32> epilogue
// CHECK: %[[R:.*]] = tensor.cast %[[Z]] : tensor<3x4xf32> to tensor<?x4xf32>
// CHECK-NEXT: return %[[R]]
func.func @casts(%rows: tensor<6x4xf32>, %weights: tensor<3x2xf32>, %init: tensor<3x4xf32>) -> tensor<?x4xf32> {
  %r = tensor.cast %rows : tensor<6x4xf32> to tensor<?x4xf32>
  %w = tensor.cast %weights : tensor<3x2xf32> to tensor<?x2xf32>
  %o = tensor.cast %init : tensor<3x4xf32> to tensor<?x4xf32>
  %y = moe.combine_slots %r 2 weighted_sum weights %w : tensor<?x4xf32>, tensor<?x2xf32>
      outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = moe.combine_slots %r 2 sum others %y : tensor<?x4xf32> others tensor<?x4xf32>
      outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32> epilogue {
  ^bb0(%sum: f32, %x: f32):
    %v = arith.addf %sum, %x : f32
    moe.yield %v : f32
  }
  return %z : tensor<?x4xf32>
}
