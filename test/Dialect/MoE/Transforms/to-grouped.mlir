// RUN: moe-opt %s --moe-to-grouped | FileCheck %s

// CHECK-LABEL: func.func @layer(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[ROUTER:.*]]: tensor<8x64xf32>, %[[W:.*]]: tensor<8x64x64xf32>
func.func @layer(%x: tensor<?x64xf32>, %router: tensor<8x64xf32>, %w: tensor<8x64x64xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[LOGITS:.*]] = moe.score.affine %[[X]], %[[ROUTER]]
  // CHECK: %[[T:.*]] = tensor.dim %[[LOGITS]]
  // CHECK: %[[IDS_INIT:.*]] = tensor.empty(%[[T]]) : tensor<?x2xi32>
  // CHECK: %[[W_INIT:.*]] = tensor.empty(%[[T]]) : tensor<?x2xf32>
  // CHECK: %[[IDS:.*]], %[[WEIGHTS:.*]] = moe.select %[[LOGITS]] select #moe.top_k<2> rank logits
  // CHECK-SAME: outs(%[[IDS_INIT]], %[[W_INIT]]
  %logits = moe.score.affine %x, %router : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  %routing = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  // CHECK: %[[SLOTS_N:.*]] = arith.muli
  // CHECK: %[[OFFSETS:.*]], %[[TOKENS:.*]], %[[SLOTS:.*]] = moe.plan %[[IDS]]
  // CHECK: %[[ROWS:.*]] = moe.gather %[[X]] at %[[TOKENS]]
  %rows = moe.dispatch %x by %routing : tensor<?x64xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 64, f32>
  // CHECK: %[[PRODUCT:.*]] = moe.grouped_matmul %[[ROWS]] weights %[[W]] offsets %[[OFFSETS]]
  // CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
  // CHECK-NEXT: moe.yield %[[ACC]] : f32
  %outputs = moe.experts %rows weights %w : !moe.ragged<8, 64, f32>, tensor<8x64x64xf32> -> !moe.ragged<8, 64, f32> {
  ^bb0(%r: tensor<?x64xf32>, %we: tensor<64x64xf32>):
    %y = moe.linear %r, %we : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  // CHECK: %[[SLOT_ROWS:.*]] = moe.scatter %[[PRODUCT]] to %[[SLOTS]]
  // CHECK: %[[OUTPUT:.*]] = moe.combine_slots %[[SLOT_ROWS]] 2 weighted_sum weights %[[WEIGHTS]]
  // CHECK: return %[[OUTPUT]]
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, f32> -> tensor<?x64xf32>
  return %output : tensor<?x64xf32>
}
