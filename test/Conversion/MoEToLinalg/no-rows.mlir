// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No rows in, no rows out.
// RUN: moe-opt %s --convert-moe-to-linalg | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>) attributes { llvm.emit_c_interface }

func.func @layer(%x: tensor<?x4xf32>, %router: tensor<3x4xf32>, %w: tensor<3x4x4xf32>) -> tensor<?x4xf32> {
  %logits = moe.score.affine %x, %router : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  %routing = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x3xf32> -> !moe.routing<3, 2, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x4xf32>, !moe.routing<3, 2, f32> -> !moe.ragged<3, 4, f32>
  %outputs = moe.experts %rows weights %w : !moe.ragged<3, 4, f32>, tensor<3x4x4xf32> -> !moe.ragged<3, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %m: tensor<4x4xf32>):
    %y = moe.linear %r, %m : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    moe.yield %y : tensor<?x4xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<3, 4, f32>, !moe.routing<3, 2, f32> -> tensor<?x4xf32>
  return %output : tensor<?x4xf32>
}

func.func @main() {
  %zero = arith.constant 0 : index
  %router = arith.constant dense<1.0> : tensor<3x4xf32>
  %w = arith.constant dense<1.0> : tensor<3x4x4xf32>
  %x = tensor.empty(%zero) : tensor<?x4xf32>
  // CHECK: sizes = [0, 4]
  %y = call @layer(%x, %router, %w) : (tensor<?x4xf32>, tensor<3x4xf32>, tensor<3x4x4xf32>) -> tensor<?x4xf32>
  %u = tensor.cast %y : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%u) : (tensor<*xf32>) -> ()
  return
}
