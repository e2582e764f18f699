// RUN: moe-opt %s --moe-fuse-router --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-router --remarks-filter=moe-fuse-router --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-fuse-router | Function=router | Remark="projection and selection"
// CHECK-LABEL: func.func @router(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<8x64xf32>
// CHECK: %[[LOGITS:.*]], %[[IDS:.*]], %[[WEIGHTS:.*]] = moe.router %[[X]], %[[W]] select #moe.top_k<2> rank logits
// CHECK-SAME: weigh #moe.softmax over selected
// CHECK-NOT: moe.select
// CHECK: return %[[IDS]], %[[WEIGHTS]]
func.func @router(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %logits = moe.score.affine %x, %w : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  %ids, %weights = moe.select %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %weights : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// Other users of the logits, and every attribute and operand that a selection can have.
// CHECK-LABEL: func.func @all_parts(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x8xbf16>, %[[W:[^:]*]]: tensor<8x8xbf16>, %[[B:[^:]*]]: tensor<8xbf16>, %[[R:[^:]*]]: tensor<8xf32>
// CHECK: %[[LOGITS:.*]], %[[IDS:.*]], %[[WEIGHTS:.*]] = moe.router %[[X]], %[[W]] bias %[[B]] rank_bias %[[R]]
// CHECK-SAME: select #moe.group_top_k<2, groups = 4, keep = 2> rank scores weigh #moe.sigmoid over each
// CHECK-SAME: renormalize <eps = {{.*}}> scale 2.5
// CHECK: return %[[LOGITS]], %[[IDS]], %[[WEIGHTS]]
func.func @all_parts(%x: tensor<4x8xbf16>, %w: tensor<8x8xbf16>, %b: tensor<8xbf16>, %r: tensor<8xf32>)
    -> (tensor<4x8xf32>, tensor<4x2xi32>, tensor<4x2xf32>) {
  %logits = moe.score.affine %x, %w bias %b : tensor<4x8xbf16>, tensor<8x8xbf16>, tensor<8xbf16> -> tensor<4x8xf32>
  %i = tensor.empty() : tensor<4x2xi32>
  %v = tensor.empty() : tensor<4x2xf32>
  %ids, %weights = moe.select %logits bias %r select #moe.group_top_k<2, groups = 4, keep = 2> rank scores
      weigh #moe.sigmoid over each renormalize <eps = 1.0e-20> scale 2.5 : tensor<4x8xf32>, tensor<8xf32>
      outs(%i, %v : tensor<4x2xi32>, tensor<4x2xf32>) -> tensor<4x2xi32>, tensor<4x2xf32>
  return %logits, %ids, %weights : tensor<4x8xf32>, tensor<4x2xi32>, tensor<4x2xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=distance | Reason="the score is moe.score.neg_distance, which is not affine"
// CHECK-LABEL: func.func @distance
// CHECK: moe.select
func.func @distance(%x: tensor<4x2xf32>, %p: tensor<8x2xf32>, %i: tensor<4x1xi32>, %v: tensor<4x1xf32>) -> tensor<4x1xi32> {
  %logits = moe.score.neg_distance %x, %p power 2 : tensor<4x2xf32>, tensor<8x2xf32> -> tensor<4x8xf32>
  %ids, %weights = moe.select %logits select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<4x8xf32> outs(%i, %v : tensor<4x1xi32>, tensor<4x1xf32>) -> tensor<4x1xi32>, tensor<4x1xf32>
  return %ids : tensor<4x1xi32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=outside | Reason="the logits are not computed in this block"
// CHECK: func.func @outside
func.func @outside(%logits: tensor<4x8xf32>, %i: tensor<4x1xi32>, %v: tensor<4x1xf32>) -> tensor<4x1xi32> {
  %ids, %weights = moe.select %logits select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<4x8xf32> outs(%i, %v : tensor<4x1xi32>, tensor<4x1xf32>) -> tensor<4x1xi32>, tensor<4x1xf32>
  return %ids : tensor<4x1xi32>
}

// -----

// A second selection of the same logits, and one whose bias comes too late.
// REMARK: [Missed] not fused | {{.*}} | Function=twice | Reason="the bias of the selection is made only after the score"
// REMARK: [Missed] not fused | {{.*}} | Function=twice | Reason="another selection of these logits is in the router already"
// CHECK-LABEL: func.func @twice
// CHECK: moe.router
// CHECK-COUNT-2: moe.select
func.func @twice(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %i: tensor<4x1xi32>, %v: tensor<4x1xf32>)
    -> (tensor<4x1xi32>, tensor<4x1xi32>, tensor<4x1xi32>) {
  %logits = moe.score.affine %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %late = tensor.empty() : tensor<8xf32>
  %a, %wa = moe.select %logits bias %late select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<4x8xf32>, tensor<8xf32> outs(%i, %v : tensor<4x1xi32>, tensor<4x1xf32>) -> tensor<4x1xi32>, tensor<4x1xf32>
  %b, %wb = moe.select %logits select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<4x8xf32> outs(%i, %v : tensor<4x1xi32>, tensor<4x1xf32>) -> tensor<4x1xi32>, tensor<4x1xf32>
  %c, %wc = moe.select %logits select #moe.top_k<1> rank logits weigh #moe.one over each
      : tensor<4x8xf32> outs(%i, %v : tensor<4x1xi32>, tensor<4x1xf32>) -> tensor<4x1xi32>, tensor<4x1xf32>
  return %a, %b, %c : tensor<4x1xi32>, tensor<4x1xi32>, tensor<4x1xi32>
}
