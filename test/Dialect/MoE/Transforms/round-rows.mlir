// RUN: moe-opt %s --moe-round-rows --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-round-rows --remarks-filter=moe-round-rows --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: moe-opt %s --moe-round-rows=formats=mxfp4,int4:g32 --split-input-file | FileCheck %s --check-prefix=OTHER

// REMARK: [Passed] rounded | Category:moe-round-rows | {{.*}}Remark="rows of products: 1"
// CHECK-LABEL: func.func @k
// CHECK: %[[Q:.*]] = moe.round_rows %{{.*}} : tensor<?x4xbf16> -> tensor<?x4xf32>
// CHECK-NEXT: moe.linear %[[Q]], %{{.*}} : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
// OTHER-LABEL: func.func @k
// OTHER-NOT: moe.round_rows
func.func @k(%x: tensor<?x4xbf16>, %up: tensor<8x4xf32> {moe.format = "int8"}) -> tensor<?x8xf32> {
  %y = moe.linear %x, %up : tensor<?x4xbf16>, tensor<8x4xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// In a body, once for both products of the same rows, and again for what they give; a matrix that is not quantised, or one
// that is beside one that is not, takes rows as they are.
// CHECK-LABEL: func.func @experts
// CHECK: ^bb0(%[[ROW:.*]]: tensor<?x4xf32>,
// CHECK-NEXT: %[[Q:.*]] = moe.round_rows %[[ROW]]
// CHECK-NEXT: %[[G:.*]] = moe.linear %[[Q]],
// CHECK-NEXT: %[[H:.*]] = moe.round_rows %[[G]]
// CHECK-NEXT: moe.linear %[[Q]],
// CHECK-NEXT: %[[D:.*]] = moe.linear %[[H]],
// CHECK-NEXT: moe.linear %[[D]],
// CHECK-NEXT: moe.linear %[[ROW]],
// OTHER-LABEL: func.func @experts
// OTHER-NOT: moe.round_rows
func.func @experts(%x: tensor<?x4xf32>, %r: !moe.routing<8, 1, f32>, %a: tensor<8x4x4xf32> {moe.format = "int8"},
                   %b: tensor<8x4x4xf32>, %c: tensor<8x4x4xf32> {moe.format = "mxfp4"}) -> tensor<?x4xf32> {
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 1, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %a, %a, %b, %c : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32>, tensor<8x4x4xf32>,
      tensor<8x4x4xf32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>, %wa: tensor<4x4xf32>, %wa2: tensor<4x4xf32>, %wb: tensor<4x4xf32>, %wc: tensor<4x4xf32>):
    %g = moe.linear %row, %wa : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %u = moe.linear %row, %wa2 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %d = moe.linear %g, %wa : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %e = moe.linear %d, %wb : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %f, %h = moe.linear %row, %wa, %wc : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
        -> tensor<?x4xf32>, tensor<?x4xf32>
    %p = arith.addf %e, %f : tensor<?x4xf32>
    %q = arith.addf %u, %h : tensor<?x4xf32>
    %s = arith.addf %p, %q : tensor<?x4xf32>
    moe.yield %s : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 1, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}
