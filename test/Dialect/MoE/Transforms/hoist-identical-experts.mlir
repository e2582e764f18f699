// RUN: moe-opt %s --moe-hoist-identical-experts --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-hoist-identical-experts --remarks-filter=moe-hoist-identical-experts --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] folded | Category:moe-hoist-identical-experts | Function=identity | Remark="experts that are all the same into one function of the row"
// CHECK-LABEL: func.func @identity(
// CHECK-NEXT: %[[ROWS:.*]] = moe.dispatch %arg0 by %arg1 :
// CHECK-NEXT: %[[OUT:.*]] = moe.combine %[[ROWS]] by %arg1 weighted_sum
// CHECK-NEXT: return %[[OUT]]
func.func @identity(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>) -> tensor<?x4xf32> {
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>):
    moe.yield %row : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r weighted_sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// A map that looks at no element is one number; rows of a static number have their own type.
// CHECK-LABEL: func.func @zero(
// CHECK-NOT: moe.experts
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[ZEROS:.*]] = tensor.splat %[[ZERO]][%{{.*}}] : tensor<?x4xf32>
// CHECK: %[[ROWS:.*]] = moe.dispatch %[[ZEROS]] by %arg1 :
// CHECK: moe.combine %[[ROWS]] by %arg1 mean
func.func @zero(%x: tensor<3x4xbf16>, %r: !moe.routing<8, 2, f32>) -> tensor<3x4xf32> {
  %rows = moe.dispatch %x by %r : tensor<3x4xbf16>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, bf16>
  %y = moe.experts %rows : !moe.ragged<8, 4, bf16> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xbf16>):
    %zeros = moe.map %row : tensor<?x4xbf16> -> tensor<?x4xf32> {
    ^bb0(%v: bf16):
      %zero = arith.constant 0.0 : f32
      moe.yield %zero : f32
    }
    moe.yield %zeros : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r mean : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<3x4xf32>
  return %out : tensor<3x4xf32>
}

// -----

// Two kinds of rows, and a product with a matrix that is the same for all experts.
// CHECK-LABEL: func.func @function(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[Z:[^:]*]]: tensor<?x4xf32>, %[[LOGITS:[^:]*]]: {{.*}}, %[[M:[^:]*]]: tensor<4x4xf32>
// CHECK: %[[P:.*]] = moe.linear %[[X]], %[[M]]
// CHECK: %[[F:.*]] = moe.map %[[P]], %[[Z]]
// CHECK: moe.dispatch %[[F]] by
func.func @function(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>, %logits: tensor<?x8xf32>, %m: tensor<4x4xf32>)
    -> tensor<?x4xf32> {
  %r = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.sigmoid over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %more = moe.dispatch %z by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows, %more : !moe.ragged<8, 4, f32>, !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>):
    %p = moe.linear %a, %m : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %s = moe.map %p, %b : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
    ^bb0(%u: f32, %v: f32):
      %w = arith.addf %u, %v : f32
      moe.yield %w : f32
    }
    moe.yield %s : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not folded | Category:moe-hoist-identical-experts | Function=own | Reason="each expert has weights of its own"
// CHECK-LABEL: func.func @own(
// CHECK: moe.experts
func.func @own(%x: tensor<?x4xf32>, %r: !moe.routing<8, 1, f32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 1, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>, %we: tensor<4x4xf32>):
    %p = moe.linear %row, %we : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    moe.yield %p : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 1, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// REMARK: Function=weighted | Reason="the rows are weighted on their way, so each expert of a row gets another one"
// CHECK-LABEL: func.func @weighted(
// CHECK: moe.experts
func.func @weighted(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>) -> tensor<?x4xf32> {
  %rows = moe.dispatch %x by %r weighted : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>):
    moe.yield %row : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// REMARK: Function=rows | Reason="the experts pick rows, and a row that nobody picked would be computed, too"
// CHECK-LABEL: func.func @rows(
// CHECK: moe.experts
func.func @rows(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32, row>) -> tensor<?x4xf32> {
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32, row> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>):
    moe.yield %row : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum like %x
      : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32, row>, tensor<?x4xf32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// Of a routing from elsewhere nothing is known.
// REMARK: Function=dropped | Reason="slots may go nowhere, and a product of rows that nobody takes costs more than sorting the others"
// CHECK-LABEL: func.func @dropped(
// CHECK: moe.experts
func.func @dropped(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>, %m: tensor<4x4xf32>) -> !moe.ragged<8, 4, f32> {
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>):
    %p = moe.linear %row, %m : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    moe.yield %p : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}

// -----

// REMARK: Function=elsewhere | Reason="the rows were not all dispatched by one routing"
// CHECK-LABEL: func.func @elsewhere(
// CHECK: moe.experts
func.func @elsewhere(%rows: !moe.ragged<8, 4, f32>) -> !moe.ragged<8, 4, f32> {
  %y = moe.experts %rows : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>):
    moe.yield %row : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}
