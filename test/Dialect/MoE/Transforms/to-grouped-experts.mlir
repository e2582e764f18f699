// RUN: moe-opt %s --moe-to-grouped --split-input-file | FileCheck %s

// Several matrices under one map: one product, the map is its epilogue. Vectors of an expert are columns of it.
// CHECK-LABEL: func.func @gated(
// CHECK-SAME: %[[ROWS:[^:]*]]: tensor<?x4xbf16>, %[[OFFSETS:[^:]*]]: tensor<9xindex>, %[[SLOTS:[^:]*]]: tensor<?xindex>,
// CHECK-SAME: %[[GATE:[^:]*]]: tensor<8x6x4xbf16>, %[[UP:[^:]*]]: tensor<8x6x4xbf16>, %[[BIAS:[^:]*]]: tensor<8x6xbf16>
// CHECK: %[[P:.*]] = moe.grouped_matmul %[[ROWS]] weights %[[GATE]], %[[UP]] offsets %[[OFFSETS]] columns %[[BIAS]]
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32, %[[B:.*]]: bf16):
// CHECK-DAG: %[[GR:.*]] = arith.truncf %[[G]] : f32 to bf16
// CHECK-DAG: %[[UR:.*]] = arith.truncf %[[U]] : f32 to bf16
// CHECK: %[[S:.*]] = arith.addf %[[UR]], %[[B]]
// CHECK: %[[M:.*]] = arith.mulf %[[GR]], %[[S]]
// CHECK: moe.yield %[[M]]
// CHECK: return %[[P]], %[[OFFSETS]], %[[SLOTS]]
func.func @gated(%x: !moe.ragged<8, 4, bf16>, %gate: tensor<8x6x4xbf16>, %up: tensor<8x6x4xbf16>, %b: tensor<8x6xbf16>)
    -> !moe.ragged<8, 6, bf16> {
  %y = moe.experts %x weights %gate, %up, %b : !moe.ragged<8, 4, bf16>, tensor<8x6x4xbf16>, tensor<8x6x4xbf16>,
      tensor<8x6xbf16> -> !moe.ragged<8, 6, bf16> {
  ^bb0(%r: tensor<?x4xbf16>, %wg: tensor<6x4xbf16>, %wu: tensor<6x4xbf16>, %bu: tensor<6xbf16>):
    %g, %u = moe.linear %r, %wg, %wu
        : tensor<?x4xbf16>, tensor<6x4xbf16>, tensor<6x4xbf16> -> tensor<?x6xbf16>, tensor<?x6xbf16>
    %h = moe.map %u, %bu, %g : tensor<?x6xbf16>, tensor<6xbf16>, tensor<?x6xbf16> -> tensor<?x6xbf16> {
    ^bb0(%a: bf16, %c: bf16, %d: bf16):
      %s = arith.addf %a, %c : bf16
      %m = arith.mulf %d, %s : bf16
      moe.yield %m : bf16
    }
    moe.yield %h : tensor<?x6xbf16>
  }
  return %y : !moe.ragged<8, 6, bf16>
}

// -----

// Results with other users: a product for each matrix, and the map stays on the sorted rows.
// CHECK-LABEL: func.func @two_products(
// CHECK: %[[P:.*]] = moe.grouped_matmul
// CHECK: %[[Q:.*]] = moe.grouped_matmul
// CHECK: %[[M:.*]] = moe.map %[[P]], %[[Q]]
// CHECK: moe.map %[[M]], %[[P]]
func.func @two_products(%x: !moe.ragged<8, 4, f32>, %a: tensor<8x6x4xf32>, %b: tensor<8x6x4xf32>) -> !moe.ragged<8, 6, f32> {
  %y = moe.experts %x weights %a, %b : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32>, tensor<8x6x4xf32>
      -> !moe.ragged<8, 6, f32> {
  ^bb0(%r: tensor<?x4xf32>, %wa: tensor<6x4xf32>, %wb: tensor<6x4xf32>):
    %p, %q = moe.linear %r, %wa, %wb
        : tensor<?x4xf32>, tensor<6x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>, tensor<?x6xf32>
    %m = moe.map %p, %q : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32> {
    ^bb0(%c: f32, %d: f32):
      %s = arith.mulf %c, %d : f32
      moe.yield %s : f32
    }
    %n = moe.map %m, %p : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32> {
    ^bb0(%c: f32, %d: f32):
      %s = arith.addf %c, %d : f32
      moe.yield %s : f32
    }
    moe.yield %n : tensor<?x6xf32>
  }
  return %y : !moe.ragged<8, 6, f32>
}

// -----

// Rows of one element are scalars of the epilogue; a matrix from outside makes a plain product.
// CHECK-LABEL: func.func @scalars(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %{{[^,]*}}, %{{[^,]*}}, %[[V:[^:]*]]: tensor<?x1xf32>
// CHECK-SAME: %[[SHARED:[^:]*]]: tensor<4x4xf32>)
// CHECK: %[[R:.*]] = moe.linear %[[X]], %[[SHARED]]
// CHECK: %[[S:.*]] = tensor.collapse_shape %[[V]] {{\[}}[0, 1]]
// CHECK: moe.grouped_matmul %[[R]] weights %{{.*}} offsets %{{.*}} columns %{{.*}} scalars %[[S]]
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[COLUMN:.*]]: f32, %[[SCALAR:.*]]: f32):
// CHECK-NEXT: %[[D:.*]] = arith.subf %[[SCALAR]], %[[ACC]]
// CHECK-NEXT: arith.mulf %[[D]], %[[COLUMN]]
func.func @scalars(%x: !moe.ragged<8, 4, f32>, %v: !moe.ragged<8, 1, f32>, %a: tensor<8x1x4xf32>, %b: tensor<8x1xf32>,
                   %shared: tensor<4x4xf32>) -> !moe.ragged<8, 1, f32> {
  %y = moe.experts %x, %v weights %a, %b : !moe.ragged<8, 4, f32>, !moe.ragged<8, 1, f32>, tensor<8x1x4xf32>,
      tensor<8x1xf32> -> !moe.ragged<8, 1, f32> {
  ^bb0(%r: tensor<?x4xf32>, %value: tensor<?x1xf32>, %wa: tensor<1x4xf32>, %wb: tensor<1xf32>):
    %s = moe.linear %r, %shared : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %p = moe.linear %s, %wa : tensor<?x4xf32>, tensor<1x4xf32> -> tensor<?x1xf32>
    %m = moe.map %p, %value, %wb : tensor<?x1xf32>, tensor<?x1xf32>, tensor<1xf32> -> tensor<?x1xf32> {
    ^bb0(%c: f32, %d: f32, %e: f32):
      %diff = arith.subf %d, %c : f32
      %scaled = arith.mulf %diff, %e : f32
      moe.yield %scaled : f32
    }
    moe.yield %m : tensor<?x1xf32>
  }
  return %y : !moe.ragged<8, 1, f32>
}
