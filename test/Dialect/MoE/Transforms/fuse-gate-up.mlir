// RUN: moe-opt %s --moe-fuse-gate-up --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-gate-up --remarks-filter=moe-fuse-gate-up --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-fuse-gate-up | Function=shared | Remark="2 products of the same rows"
// CHECK-LABEL: func.func @shared(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[GATE:.*]]: tensor<80x64xf32>, %[[UP:.*]]: tensor<80x64xf32>)
// CHECK-NEXT: %[[GU:.*]]:2 = moe.linear %[[X]], %[[GATE]], %[[UP]]
// CHECK-NEXT: return %[[GU]]#0, %[[GU]]#1
func.func @shared(%x: tensor<?x64xf32>, %gate: tensor<80x64xf32>, %up: tensor<80x64xf32>)
    -> (tensor<?x80xf32>, tensor<?x80xf32>) {
  %g = moe.linear %x, %gate : tensor<?x64xf32>, tensor<80x64xf32> -> tensor<?x80xf32>
  %u = moe.linear %x, %up : tensor<?x64xf32>, tensor<80x64xf32> -> tensor<?x80xf32>
  return %g, %u : tensor<?x80xf32>, tensor<?x80xf32>
}

// -----

// Inside an expert's body; the third product has another shape.
// REMARK: [Missed] not fused | {{.*}} | Function=experts | Reason="the matrices have different types"
// CHECK-LABEL: func.func @experts
// CHECK: ^bb0(%[[R:.*]]: tensor<?x4xf32>, %[[A:.*]]: tensor<4x4xf32>, %[[B:.*]]: tensor<4x4xf32>, %[[C:.*]]: tensor<2x4xf32>)
// CHECK: %[[AB:.*]]:2 = moe.linear %[[R]], %[[A]], %[[B]]
// CHECK-NEXT: moe.linear %[[R]], %[[C]]
// CHECK-NEXT: moe.map %[[AB]]#0, %[[AB]]#1
func.func @experts(%x: !moe.ragged<8, 4, f32>, %a: tensor<8x4x4xf32>, %b: tensor<8x4x4xf32>, %c: tensor<8x2x4xf32>)
    -> !moe.ragged<8, 4, f32> {
  %y = moe.experts %x weights %a, %b, %c : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32>, tensor<8x4x4xf32>,
      tensor<8x2x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %wa: tensor<4x4xf32>, %wb: tensor<4x4xf32>, %wc: tensor<2x4xf32>):
    %pa = moe.linear %r, %wa : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %pc = moe.linear %r, %wc : tensor<?x4xf32>, tensor<2x4xf32> -> tensor<?x2xf32>
    %pb = moe.linear %r, %wb : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %h = moe.map %pa, %pb : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
    ^bb0(%g: f32, %u: f32):
      %p = arith.mulf %g, %u : f32
      moe.yield %p : f32
    }
    moe.yield %h : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=results | Reason="the results have different types"
// CHECK-LABEL: func.func @results
// CHECK-COUNT-2: moe.linear
func.func @results(%x: tensor<?x4xf32>, %a: tensor<6x4xf32>, %b: tensor<6x4xf32>) -> (tensor<?x6xf32>, tensor<?x6xbf16>) {
  %p = moe.linear %x, %a : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
  %q = moe.linear %x, %b : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xbf16>
  return %p, %q : tensor<?x6xf32>, tensor<?x6xbf16>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=order | Reason="a matrix is made only after the first product"
// CHECK-LABEL: func.func @order
// CHECK-COUNT-2: moe.linear
func.func @order(%x: tensor<4x4xf32>, %a: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %p = moe.linear %x, %a : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  %q = moe.linear %x, %p : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  return %q : tensor<4x4xf32>
}

// -----

// Other rows: nothing to say.
// REMARK-NOT: Function=rows
// CHECK-LABEL: func.func @rows
// CHECK-COUNT-2: moe.linear
func.func @rows(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %a: tensor<6x4xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %p = moe.linear %x, %a : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
  %q = moe.linear %y, %a : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
  return %p, %q : tensor<?x6xf32>, tensor<?x6xf32>
}
