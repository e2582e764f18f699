// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --convert-moe-to-linalg --split-input-file --verify-diagnostics

func.func @expert_choice(%logits: tensor<?x8xf32>) -> !moe.routing<8, 2, f32, row> {
  // expected-error @below {{#moe.top_k<2, axis = row> is not lowered yet}}
  %routing = moe.route %logits select #moe.top_k<2, axis = row> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32, row>
  return %routing : !moe.routing<8, 2, f32, row>
}

// -----

func.func @levels(%node: !moe.routing<4, 1, f32>, %logits: tensor<?x16xf32>) -> !moe.routing<16, 1, f32> {
  // expected-error @below {{'moe.route_within' op is not lowered yet}}
  %leaf = moe.route_within %node, %logits select #moe.top_k<1> weigh #moe.one over each
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 1, f32>
  return %leaf : !moe.routing<16, 1, f32>
}

// -----

func.func @given(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32, row>) -> !moe.ragged<8, 4, f32> {
  // expected-error @below {{'moe.dispatch' op is not lowered yet for a routing that picks rows}}
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32, row> -> !moe.ragged<8, 4, f32>
  return %rows : !moe.ragged<8, 4, f32>
}
