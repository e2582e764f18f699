// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-test-opt %s --test-moe-emit-route --canonicalize --split-input-file | FileCheck %s

// Scores of all experts in chunks of 16 and a rest of 4; their keys; then for each choice the largest key below the last.
// CHECK-LABEL: func.func @ranked_by_scores(
// CHECK-SAME:      %[[LOGITS:.*]]: tensor<?x100xbf16>
func.func @ranked_by_scores(%logits: tensor<?x100xbf16>, %i: tensor<?x2xi32>, %v: tensor<?x2xbf16>)
    -> (tensor<?x2xi32>, tensor<?x2xbf16>) {
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
  // CHECK-DAG: %[[C96:.*]] = arith.constant 96 : index
  // CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
  // CHECK-DAG: tensor.empty() : tensor<2xf32>
  // CHECK-DAG: tensor.empty() : tensor<100xf32>
  // CHECK-DAG: tensor.empty() : tensor<100xi64>
  // CHECK: scf.for %[[T:.*]] = %[[C0]] to %{{.*}} step %[[C1]]
  // The largest logit.
  // CHECK:   vector.transfer_read %[[LOGITS]][%[[T]], %[[C0]]]{{.*}} : tensor<?x100xbf16>, vector<16xbf16>
  // CHECK:   scf.for
  // CHECK:     arith.maximumf {{.*}} : vector<16xf32>
  // CHECK:   vector.transfer_read %[[LOGITS]][%[[T]], %[[C96]]]{{.*}} : tensor<?x100xbf16>, vector<4xbf16>
  // The sum.
  // CHECK:   scf.for
  // CHECK:     math.exp {{.*}} : vector<16xf32>
  // CHECK:     arith.addf {{.*}} : vector<16xf32>
  // CHECK:   math.exp {{.*}} : vector<4xf32>
  // The scores.
  // CHECK:   scf.for %{{.*}} = %[[C0]] to %[[C96]] step %[[C16]]
  // CHECK:     arith.divf {{.*}} : vector<16xf32>
  // CHECK:     vector.transfer_write {{.*}} : vector<16xf32>, tensor<100xf32>
  // CHECK:   vector.transfer_write {{.*}} : vector<4xf32>, tensor<100xf32>
  // The selection.
  // CHECK:   vector.transfer_write {{.*}} : vector<16xi64>, tensor<100xi64>
  // CHECK:   vector.transfer_write {{.*}} : vector<4xi64>, tensor<100xi64>
  // CHECK:   scf.for %{{.*}} = %[[C0]] to %[[C2]] step %[[C1]] iter_args({{.*}}) -> (tensor<2xi32>, i64) {
  // CHECK:     arith.cmpi slt, {{.*}} : vector<16xi64>
  // CHECK:     arith.maxsi {{.*}} : vector<16xi64>
  // CHECK:   tensor.insert_slice {{.*}} : tensor<2xi32> into tensor<?x2xi32>
  // The weights, rounded once.
  // CHECK:   arith.divf {{.*}} : vector<2xf32>
  // CHECK:   arith.truncf {{.*}} : vector<2xf32> to vector<2xbf16>
  // CHECK-NOT: arith.truncf
  // CHECK: return
  %ids, %w = moe.select %logits select #moe.top_k<2> rank scores weigh #moe.softmax over all renormalize
      : tensor<?x100xbf16> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xbf16>) -> tensor<?x2xi32>, tensor<?x2xbf16>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xbf16>
}

// -----

// Scores over the selected experts: none of the other experts' is computed.
// CHECK-LABEL: func.func @over_selected(
func.func @over_selected(%logits: tensor<?x100xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  // CHECK-NOT: tensor<100xf32>
  // CHECK-NOT: math.exp {{.*}}vector<16xf32>
  // CHECK: math.exp {{.*}} : vector<2xf32>
  // CHECK: return
  %ids, %w = moe.select %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x100xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// Neither the number of experts nor that of selected experts changes the size of the code.
// CHECK-LABEL: func.func @many(
func.func @many(%logits: tensor<?x4096xf32>, %i: tensor<?x512xi32>, %v: tensor<?x512xf32>)
    -> (tensor<?x512xi32>, tensor<?x512xf32>) {
  // CHECK: tensor.empty() : tensor<4096xi32>
  // CHECK: scf.for
  // CHECK-NOT: tensor.empty
  // CHECK: arith.maxsi {{.*}} : vector<16xi64>
  // CHECK-COUNT-4: arith.maxsi
  // CHECK-NOT: arith.maxsi
  // CHECK: return
  %ids, %w = moe.select %logits select #moe.top_k<512> rank logits weigh #moe.sigmoid over each
      : tensor<?x4096xf32> outs(%i, %v : tensor<?x512xi32>, tensor<?x512xf32>) -> tensor<?x512xi32>, tensor<?x512xf32>
  return %ids, %w : tensor<?x512xi32>, tensor<?x512xf32>
}
