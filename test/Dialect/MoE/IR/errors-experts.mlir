// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.experts C1
func.func @c1(%w: tensor<8x4x4xf32>) {
  // expected-error @below {{expects at least one ragged operand}}
  %y = "moe.experts"(%w) <{operandSegmentSizes = array<i32: 0, 1>}> ({
  ^bb0(%we: tensor<4x4xf32>):
    %r = tensor.empty() : tensor<4x4xf32>
    moe.yield %r : tensor<4x4xf32>
  }) : (tensor<8x4x4xf32>) -> !moe.ragged<8, 4, f32>
  return
}

// -----

// moe.experts C2
func.func @c2(%x: !moe.ragged<4, 4, f32>) {
  // expected-error @below {{expects all ragged operands to have 8 experts, got '!moe.ragged<4, 4, f32>'}}
  %y = moe.experts %x : !moe.ragged<4, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C3
func.func @c3(%x: !moe.ragged<8, 4, f32>, %w: tensor<7x4xf32>) {
  // expected-error @below {{expects weights of 8 slices of rank 1 or more, got 'tensor<7x4xf32>'}}
  %y = moe.experts %x weights %w : !moe.ragged<8, 4, f32>, tensor<7x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C3
func.func @c3_rank(%x: !moe.ragged<8, 4, f32>, %w: tensor<8xf32>) {
  // expected-error @below {{expects weights of 8 slices of rank 1 or more, got 'tensor<8xf32>'}}
  %y = moe.experts %x weights %w : !moe.ragged<8, 4, f32>, tensor<8xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<f32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C4
func.func @c4(%x: !moe.ragged<8, 4, f32>) {
  // expected-error @below {{expects block arguments of types 'tensor<?x4xf32>'}}
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xbf16>):
    %e = arith.extf %r : tensor<?x4xbf16> to tensor<?x4xf32>
    moe.yield %e : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C5
func.func @c5(%x: !moe.ragged<8, 4, f32>) {
  // expected-error @below {{expects to yield one 'tensor<?x4xbf16>'}}
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, bf16> {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C6: not known
func.func @c6_unknown(%x: !moe.ragged<8, 4, f32>, %n: index) {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{'tensor.cast' op is not known to be row-wise, but takes rows of an expert body}}
    %s = tensor.cast %r : tensor<?x4xf32> to tensor<3x4xf32>
    %t = tensor.cast %s : tensor<3x4xf32> to tensor<?x4xf32>
    moe.yield %t : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C6: rows as a matrix
func.func @c6_matrix(%x: !moe.ragged<8, 4, f32>, %m: tensor<2x4xf32>) {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{takes rows of an expert body as operand 1, which does not keep rows apart}}
    %p = moe.linear %m, %r : tensor<2x4xf32>, tensor<?x4xf32> -> tensor<2x?xf32>
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C6: a sum over the rows
func.func @c6_structured(%x: !moe.ragged<8, 4, f32>, %o: tensor<4xf32>) {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{is not row-wise: operand 0 is not indexed by one parallel loop over the rows}}
    %s = linalg.reduce {arith.addf} ins(%r : tensor<?x4xf32>) outs(%o : tensor<4xf32>) dimensions = [0]
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C6: the number of a row
func.func @c6_index(%x: !moe.ragged<8, 4, f32>) {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{is not row-wise: it computes from the number of the row}}
    %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
        outs(%r : tensor<?x4xf32>) {
    ^bb0(%v: f32):
      %i = linalg.index 0 : index
      %n = arith.index_cast %i : index to i64
      %f = arith.sitofp %n : i64 to f32
      linalg.yield %f : f32
    } -> tensor<?x4xf32>
    moe.yield %s : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C6: how many rows there are
func.func @c6_size(%x: !moe.ragged<8, 4, f32>) {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    // expected-error @below {{is not row-wise: it computes from the number of rows of an expert body}}
    %i = arith.index_cast %n : index to i64
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.experts C6: rows as a whole, inside of a region
func.func @c6_region(%x: !moe.ragged<8, 4, f32>) {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    %c0 = arith.constant 0 : index
    %m = moe.map %r : tensor<?x4xf32> -> tensor<?x4xf32> {
    ^bb0(%v: f32):
      // expected-error @below {{is not row-wise: it takes rows of an expert body inside of the region of another op}}
      %first = tensor.extract %r[%c0, %c0] : tensor<?x4xf32>
      %s = arith.addf %v, %first : f32
      moe.yield %s : f32
    }
    moe.yield %m : tensor<?x4xf32>
  }
  return
}

// -----

// Row-wise are ops of this dialect, element-wise ops, sizes, and structured ops with one loop over the rows.
func.func @rowwise(%x: !moe.ragged<8, 4, f32>) -> !moe.ragged<8, 4, f32> {
  %y = moe.experts %x : !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %o = tensor.empty(%n) : tensor<?x4xf32>
    %e = math.exp %r : tensor<?x4xf32>
    %s = linalg.add ins(%r, %e : tensor<?x4xf32>, tensor<?x4xf32>) outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %s : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}
