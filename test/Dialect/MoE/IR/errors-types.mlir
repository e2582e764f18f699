// RUN: moe-opt %s --split-input-file --verify-diagnostics

// !moe.routing C1
// expected-error @below {{expects 1 to 4096 experts, got 0}}
func.func private @no_experts(!moe.routing<0, 1, f32>)

// -----

// !moe.routing C1
// expected-error @below {{expects 1 to 4096 experts, got 4097}}
func.func private @too_many_experts(!moe.routing<4097, 1, f32>)

// -----

// !moe.routing C2
// expected-error @below {{expects at least one pair, got count = 0}}
func.func private @no_pair(!moe.routing<8, 0, f32>)

// -----

// A part of a routing may have more pairs a row than experts, and an expert may pick more rows.
func.func private @count_above_experts(!moe.routing<8, 9, f32>, !moe.routing<8, 9, f32, row>)

// -----

// !moe.routing C3
// expected-error @below {{expects a float weight type, got 'i32'}}
func.func private @integer_weights(!moe.routing<8, 2, i32>)

// -----

// !moe.ragged C1
// expected-error @below {{expects 1 to 4096 experts, got 0}}
func.func private @ragged_without_experts(!moe.ragged<0, 64, f32>)

// -----

// !moe.ragged C2
// expected-error @below {{expects width >= 1, got 0}}
func.func private @ragged_without_width(!moe.ragged<8, 0, f32>)

// -----

// !moe.ragged C3
// expected-error @below {{expects a float element type, got 'i8'}}
func.func private @ragged_integers(!moe.ragged<8, 64, i8>)
