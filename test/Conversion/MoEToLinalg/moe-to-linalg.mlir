// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --convert-moe-to-linalg --split-input-file | FileCheck %s

// The example of the pass.
// CHECK-LABEL: func.func @score(
// CHECK-SAME:      %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<3x4xf32>) -> (tensor<?x1xi32>, tensor<?x1xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[X]], %[[W]] : tensor<?x4xf32>, tensor<3x4xf32>)
// CHECK:         %[[ROUTED:.*]]:2 = scf.for
// CHECK:         return %[[ROUTED]]#0, %[[ROUTED]]#1 : tensor<?x1xi32>, tensor<?x1xf32>
func.func @score(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) -> !moe.routing<3, 1, f32> {
  %logits = moe.score.affine %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.sigmoid over each
      : tensor<?x3xf32> -> !moe.routing<3, 1, f32>
  return %routing : !moe.routing<3, 1, f32>
}

// -----

// Products of bf16 are accumulated in f32 and rounded once.
// CHECK-LABEL: func.func @linear(
// CHECK:         linalg.fill {{.*}} -> tensor<?x5xf32>
// CHECK:         linalg.generic
// CHECK:           arith.extf %{{.*}} : bf16 to f32
// CHECK:           arith.extf %{{.*}} : bf16 to f32
// CHECK:           arith.mulf {{.*}} : f32
// CHECK:           arith.addf {{.*}} : f32
// CHECK-NOT:       truncf
// CHECK:         linalg.generic
// CHECK:           arith.truncf {{.*}} : f32 to bf16
func.func @linear(%x: tensor<?x4xbf16>, %w: tensor<5x4xbf16>) -> tensor<?x5xbf16> {
  %y = moe.linear %x, %w : tensor<?x4xbf16>, tensor<5x4xbf16> -> tensor<?x5xbf16>
  return %y : tensor<?x5xbf16>
}

// -----

// One expert's weights are a slice at its id; a slot without an expert gives zeros.
// CHECK-LABEL: func.func @experts(
// CHECK-SAME:      %[[ROWS:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?xi32>, %[[W:.*]]: tensor<3x5x4xf32>)
// CHECK-SAME:      -> (tensor<?x5xf32>, tensor<?xi32>)
// CHECK:         scf.for %[[SLOT:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[OUT:.*]] = %{{.*}}) -> (tensor<?x5xf32>) {
// CHECK:           %[[ID:.*]] = tensor.extract %[[IDS]][%[[SLOT]]]
// CHECK:           scf.if
// CHECK:             %[[E:.*]] = arith.index_cast %[[ID]]
// CHECK:             tensor.extract_slice %[[ROWS]][%[[SLOT]], 0] [1, 4] [1, 1]
// CHECK:             tensor.extract_slice %[[W]][%[[E]], 0, 0] [1, 5, 4] [1, 1, 1] : tensor<3x5x4xf32> to tensor<5x4xf32>
// CHECK:             linalg.generic
// CHECK:             tensor.insert_slice %{{.*}} into %[[OUT]][%[[SLOT]], 0] [1, 5] [1, 1]
// CHECK:           } else {
// CHECK:             linalg.fill
// CHECK:             tensor.insert_slice %{{.*}} into %[[OUT]][%[[SLOT]], 0] [1, 5] [1, 1]
func.func @experts(%rows: !moe.ragged<3, 4, f32>, %w: tensor<3x5x4xf32>) -> !moe.ragged<3, 5, f32> {
  %y = moe.experts %rows weights %w : !moe.ragged<3, 4, f32>, tensor<3x5x4xf32> -> !moe.ragged<3, 5, f32> {
  ^bb0(%r: tensor<?x4xf32>, %slice: tensor<5x4xf32>):
    %out = moe.linear %r, %slice : tensor<?x4xf32>, tensor<5x4xf32> -> tensor<?x5xf32>
    moe.yield %out : tensor<?x5xf32>
  }
  return %y : !moe.ragged<3, 5, f32>
}

// -----

// Routings become two values in regions and in declarations, too.
// CHECK: func.func private @outside(tensor<?x1xi32>, tensor<?x1xf32>)
func.func private @outside(!moe.routing<3, 1, f32>)
// CHECK-LABEL: func.func @regions(
// CHECK-SAME:      %[[A0:[^:]*]]: tensor<?x1xi32>, %[[A1:[^:]*]]: tensor<?x1xf32>, %[[B0:[^:]*]]: tensor<?x1xi32>, %[[B1:[^:]*]]: tensor<?x1xf32>
// CHECK:         %[[IF:.*]]:2 = scf.if %{{.*}} -> (tensor<?x1xi32>, tensor<?x1xf32>) {
// CHECK:           scf.yield %[[A0]], %[[A1]]
// CHECK:           scf.yield %[[B0]], %[[B1]]
// CHECK:         call @outside(%[[IF]]#0, %[[IF]]#1) : (tensor<?x1xi32>, tensor<?x1xf32>) -> ()
func.func @regions(%a: !moe.routing<3, 1, f32>, %b: !moe.routing<3, 1, f32>, %c: i1) {
  %r = scf.if %c -> (!moe.routing<3, 1, f32>) {
    scf.yield %a : !moe.routing<3, 1, f32>
  } else {
    scf.yield %b : !moe.routing<3, 1, f32>
  }
  call @outside(%r) : (!moe.routing<3, 1, f32>) -> ()
  return
}

// -----

// Symbols stay.
// CHECK: moe.weight @w : tensor<3x4xf32> from "router.weight"
moe.weight @w : tensor<3x4xf32> from "router.weight"
// CHECK: moe.layer @moe0 block 0 = @kernel(@w)
moe.layer @moe0 block 0 = @kernel(@w)
func.func @kernel(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) -> tensor<?x3xf32> {
  %logits = moe.score.affine %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return %logits : tensor<?x3xf32>
}
