// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.weight C1
// expected-error @below {{expects a static tensor of floats of rank 1, 2 or 3, got 'tensor<?x4xf32>'}}
moe.weight @dynamic : tensor<?x4xf32> from "w"

// -----

// moe.weight C1
// expected-error @below {{expects a static tensor of floats of rank 1, 2 or 3, got 'tensor<2x2x2x2xf32>'}}
moe.weight @rank : tensor<2x2x2x2xf32> from "w"

// -----

// moe.weight C1
// expected-error @below {{expects a static tensor of floats of rank 1, 2 or 3, got 'tensor<4xi8>'}}
moe.weight @integers : tensor<4xi8> from "w"

// -----

// moe.weight C2
// expected-error @below {{expects {e} at most once, and not in the name of a weight of rank 1}}
moe.weight @twice : tensor<8x4xf32> from "a.{e}.b.{e}"

// -----

// moe.weight C2
// expected-error @below {{expects {e} at most once, and not in the name of a weight of rank 1}}
moe.weight @vector : tensor<8xf32> from "a.{e}"

// -----

// moe.weight C3
// expected-error @below {{expects only matrices to be transposed, got vectors of 'tensor<8xf32>'}}
moe.weight @transposed : tensor<8xf32> from "a" transposed

// -----

// moe.weight C3
// expected-error @below {{expects only matrices to be transposed, got vectors of 'tensor<4x8xf32>'}}
moe.weight @transposed : tensor<4x8xf32> from "a.{e}" transposed

// -----

// moe.weight C4
// expected-error @below {{expects a part of rows for matrices and of columns for vectors, got #moe.part<rows 0 step 2 of 16> of 'tensor<8xf32>'}}
moe.weight @part : tensor<8xf32> from "a" part<rows 0 step 2 of 16>

// -----

// moe.weight C4
// expected-error @below {{expects a part of rows for matrices and of columns for vectors}}
moe.weight @part : tensor<2x4x8xf32> from "a" part<columns 0 step 2 of 16>

// -----

// moe.weight C5
// expected-error @below {{expects the 8 entries of #moe.part<rows 2 step 2 of 16> to be among the 16 stored}}
moe.weight @part : tensor<2x8x4xf32> from "a" part<rows 2 step 2 of 16>

// -----

// moe.weight C5
// expected-error @below {{expects the 8 entries of #moe.part<columns 9 step 1 of 16> to be among the 16 stored}}
moe.weight @part : tensor<2x8xf32> from "a" part<columns 9 step 1 of 16>

// -----

// moe.weight C6
// expected-error @below {{expects unused experts as ascending ranges within the 4 experts of 'tensor<4x8x8xf32>', got [2, 5]}}
moe.weight @beyond : tensor<4x8x8xf32> from "a.{e}" unused [2, 5]

// -----

// moe.weight C6
// expected-error @below {{got [1, 2, 2, 3]}}
moe.weight @touching : tensor<4x8x8xf32> from "a.{e}" unused [1, 2, 2, 3]

// -----

// moe.weight C6
// expected-error @below {{got [1]}}
moe.weight @open : tensor<4x8x8xf32> from "a.{e}" unused [1]

// -----

// moe.weight C6
// expected-error @below {{expects unused experts as ascending ranges within the 1 experts of 'tensor<4x8xf32>', got [1, 2]}}
moe.weight @matrix : tensor<4x8xf32> from "a" unused [1, 2]

// -----

// #moe.part C1
// expected-error @below {{expects a part to begin in [0, 16), got 16}}
moe.weight @part : tensor<2x8x4xf32> from "a" part<rows 16 step 1 of 16>

// -----

// #moe.part C1
// expected-error @below {{expects a part to begin in [0, 16), got -1}}
moe.weight @part : tensor<2x8x4xf32> from "a" part<rows -1 step 1 of 16>

// -----

// #moe.part C2
// expected-error @below {{expects a step in [1, 16], got 0}}
moe.weight @part : tensor<2x8x4xf32> from "a" part<rows 0 step 0 of 16>

// -----

// #moe.part C2
// expected-error @below {{expects a step in [1, 16], got 17}}
moe.weight @part : tensor<2x1x4xf32> from "a" part<rows 0 step 17 of 16>

// -----

// moe.weight C7
// expected-error @below {{expects matrices of f32 where there is a format, got 'tensor<8x4xbf16>'}}
moe.weight @w : tensor<8x4xbf16> from "w" format "int8"

// -----

// moe.weight C7
// expected-error @below {{expects matrices of f32 where there is a format, got 'tensor<8xf32>'}}
moe.weight @w : tensor<8xf32> from "w" format "int8"

// -----

moe.weight @w : tensor<8x4xf32> from "w"
// moe.layer C1
// expected-error @below {{expects a function, but @kernel is none of this module}}
moe.layer @moe0 block 0 = @kernel(@w)

// -----

// moe.layer C2
func.func private @kernel(tensor<?x4xf32>, tensor<8x4xf32>)
// expected-error @below {{expects weights, but @w is no moe.weight of this module}}
moe.layer @moe0 block 0 = @kernel(@w)

// -----

// moe.layer C3
moe.weight @w : tensor<8x4xf32> from "w"
func.func private @kernel(tensor<?x4xf32>)
// expected-error @below {{expects a kernel of at least one input and 1 weights, got '(tensor<?x4xf32>) -> ()'}}
moe.layer @moe0 block 0 = @kernel(@w)

// -----

// moe.layer C3
moe.weight @w : tensor<8x4xf32> from "w"
func.func private @kernel(tensor<4xf32>, tensor<8x4xf32>)
// expected-error @below {{expects inputs to be tensors of rows, got 'tensor<4xf32>'}}
moe.layer @moe0 block 0 = @kernel(@w)

// -----

// moe.layer C4
moe.weight @w : tensor<8x4xf32> from "w"
func.func private @kernel(tensor<?x4xf32>, tensor<8x4xbf16>)
// expected-error @below {{expects weight 0 of type 'tensor<8x4xbf16>', got 'tensor<8x4xf32>'}}
moe.layer @moe0 block 0 = @kernel(@w)

// -----

// moe.layer C5
moe.weight @w : tensor<8x4xf32> from "w"
func.func private @kernel(tensor<?x4xf32>, tensor<8x4xf32>)
// expected-error @below {{expects block >= 0, got -1}}
moe.layer @moe0 block -1 = @kernel(@w)

// -----

// moe.layer C7
moe.weight @w : tensor<8x4xf32> from "w" format "int8"
func.func private @kernel(tensor<?x4xf32>, tensor<8x4xf32>)
// expected-error @below {{expects weight 0 in the format of its type, got int8}}
moe.layer @moe0 block 0 = @kernel(@w)

// -----

func.func private @kernel(tensor<?x4xf32>)
// expected-error @below {{expects at least one weight}}
moe.layer @moe0 block 0 = @kernel()
