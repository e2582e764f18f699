// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-test-opt %s --test-moe-emit-route --split-input-file --verify-diagnostics

func.func @capacity(%logits: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  // expected-error @below {{#moe.top_k<2, capacity = 4> is not lowered yet: only a choice of experts without capacity is}}
  %ids, %w = moe.select %logits select #moe.top_k<2, capacity = 4> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}
