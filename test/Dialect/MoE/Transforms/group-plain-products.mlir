// RUN: moe-opt %s --moe-group-plain-products --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @shared(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x4xf32>)
// CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %c0
// CHECK: %[[OFFSETS:.*]] = tensor.from_elements %c0, %[[ROWS]]
// CHECK: %[[GROUP:.*]] = tensor.expand_shape %[[W]] {{.*}} into tensor<1x8x4xf32>
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[X]] weights %[[GROUP]] offsets %[[OFFSETS]]
// CHECK: return %[[Y]]
func.func @shared(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
  %y = moe.linear %x, %w : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Several matrices and one map of their results: one product, the map its epilogue, the vector a column operand.
// CHECK-LABEL: func.func @gated(
// CHECK: %[[Y:.*]] = moe.grouped_matmul %{{.*}} weights %{{[^:]*}} columns %{{[a-z0-9_]+}} :
// CHECK-SAME: columns tensor<1x8xf32>
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[G]], %[[B]]
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[S]], %[[U]]
// CHECK-NEXT: moe.yield %[[P]]
// CHECK-NOT: moe.map
func.func @gated(%x: tensor<?x4xf32>, %wg: tensor<8x4xf32>, %wu: tensor<8x4xf32>, %bias: tensor<8xf32>)
    -> tensor<?x8xf32> {
  %g, %u = moe.linear %x, %wg, %wu : tensor<?x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  %h = moe.map %g, %u, %bias : tensor<?x8xf32>, tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %sum = arith.addf %a, %c : f32
    %product = arith.mulf %sum, %b : f32
    moe.yield %product : f32
  }
  return %h : tensor<?x8xf32>
}

// -----

// Results with other users are products of their own, rounded once.
// CHECK-LABEL: func.func @two(
// CHECK-COUNT-2: moe.grouped_matmul
// CHECK-NOT: moe.linear
func.func @two(%x: tensor<?x4xbf16>, %a: tensor<8x4xbf16>, %b: tensor<8x4xbf16>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %y, %z = moe.linear %x, %a, %b
      : tensor<?x4xbf16>, tensor<8x4xbf16>, tensor<8x4xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>
  return %y, %z : tensor<?x8xbf16>, tensor<?x8xbf16>
}

// -----

// A score is a product, too; its bias is added before the only rounding.
// CHECK-LABEL: func.func @score(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[W:[^:]*]]: tensor<8x4xbf16>, %[[B:[^:]*]]: tensor<8xbf16>
// CHECK-DAG: %[[BIAS:.*]] = tensor.expand_shape %[[B]] {{.*}} : tensor<8xbf16> into tensor<1x8xbf16>
// CHECK-DAG: %[[GROUP:.*]] = tensor.expand_shape %[[W]] {{.*}} : tensor<8x4xbf16> into tensor<1x8x4xbf16>
// CHECK: moe.grouped_matmul %[[X]] weights %[[GROUP]] offsets %{{.*}} columns %[[BIAS]]
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[NARROW:.*]]: bf16):
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[NARROW]]
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ACC]], %[[WIDE]]
// CHECK-NEXT: %[[OUT:.*]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK-NEXT: moe.yield %[[OUT]]
func.func @score(%x: tensor<?x4xf32>, %w: tensor<8x4xbf16>, %b: tensor<8xbf16>) -> tensor<?x8xbf16> {
  %y = moe.score.affine %x, %w bias %b : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<8xbf16> -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}
