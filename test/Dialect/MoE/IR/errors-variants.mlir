// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.layer C6: variants are functions of this module, the kernel among them.
moe.weight @w : tensor<2x4xf32> from "w"
// expected-error @below {{expects @k among the variants [@other]}}
moe.layer @moe0 block 0 = @k(@w) variants [@other]
func.func @k(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  return
}
func.func @other(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  return
}

// -----

moe.weight @w : tensor<2x4xf32> from "w"
// expected-error @below {{expects variants to be functions, but @other is none of this module}}
moe.layer @moe0 block 0 = @k(@w) variants [@k, @other]
func.func @k(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  return
}
