// What each form refuses, and what it lets pass.
// RUN: rm -rf %t && split-file %s %t
// RUN: moe-opt %t/model.mlir --moe-verify-form --split-input-file --verify-diagnostics
// RUN: moe-opt %t/grouped.mlir --moe-verify-form=form=grouped --split-input-file --verify-diagnostics
// RUN: moe-opt %t/linalg.mlir --moe-verify-form=form=linalg --split-input-file --verify-diagnostics
// RUN: moe-opt %t/kernel.mlir --moe-verify-form=form=kernel --split-input-file --verify-diagnostics
// RUN: moe-opt %t/target.mlir --moe-verify-form=form=target --split-input-file --verify-diagnostics
// RUN: not moe-opt %t/model.mlir --moe-verify-form=form=other 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: Cannot find option named 'other'

//--- model.mlir
// expected-error @+2 {{'moe.plan' op is not part of the model form: write the layer with moe.route, moe.dispatch, moe.experts and moe.combine}}
func.func @early(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>) {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

//--- grouped.mlir
// expected-error @+2 {{'moe.make_routing' op is not part of the grouped form: run moe-to-grouped}}
func.func @op(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>) {
  %r = moe.make_routing %ids, %w : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// expected-error @below {{has the type '!moe.routing<8, 2, f32>', which is not part of the grouped form: run moe-to-grouped}}
func.func private @declared(!moe.routing<8, 2, f32>)

// -----

// expected-error @below {{has the type '!moe.ragged<8, 4, f32>', which is not part of the grouped form}}
func.func private @result() -> !moe.ragged<8, 4, f32>

// -----

func.func @block(%c: i1) {
  cf.br ^bb1
^bb1:
  // expected-error @below {{has the type '!moe.ragged<8, 4, f32>', which is not part of the grouped form}}
  %r = builtin.unrealized_conversion_cast to !moe.ragged<8, 4, f32>
  return
}

// -----

// Scores and row-wise ops on plain rows are in the grouped form, and symbols are in every one.
moe.weight @w : tensor<8x4xf32> from "w"
func.func @rows(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
  %l = moe.score.affine %x, %w : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}

//--- linalg.mlir
func.func @score(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{'moe.score.affine' op is not part of the linalg form: run the conversion of the grouped form to linalg}}
  %l = moe.score.affine %x, %w : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}

// -----

func.func @gather(%x: tensor<?x4xf32>, %t: tensor<?xindex>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'moe.gather' op is not part of the linalg form}}
  %r = moe.gather %x at %t : tensor<?x4xf32>, tensor<?xindex> outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

moe.weight @w : tensor<8x4xf32> from "w"
moe.layer @moe0 block 0 = @kernel(@w)
func.func @kernel(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

//--- kernel.mlir
// expected-error @below {{has the type 'tensor<?x4xf32>', which is not part of the kernel form: bufferise}}
func.func private @tensor(tensor<?x4xf32>)

// -----

moe.weight @w : tensor<8x4xf32> from "w"
func.func @buffer(%x: memref<?x4xf32>) {
  return
}

//--- target.mlir
// expected-error @below {{'func.func' op is not part of the target form: convert it to the LLVM dialect}}
func.func private @function()

// -----

llvm.func @kernel(%x: !llvm.ptr) {
  llvm.return
}
