// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.grouped_body C1
func.func @c1(%o: tensor<9xindex>, %i: tensor<?x4xf32>) {
  // expected-error @below {{expects at least one operand of rows}}
  %y = "moe.grouped_body"(%o, %i) <{operandSegmentSizes = array<i32: 0, 0, 1, 1>}> ({
  ^bb0:
    moe.yield %i : tensor<?x4xf32>
  }) : (tensor<9xindex>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.grouped_body C2: offsets
func.func @c2_offsets(%x: tensor<?x4xf32>, %o: tensor<?xindex>) {
  // expected-error @below {{expects static offsets of at least two elements, got 'tensor<?xindex>'}}
  %y = moe.grouped_body %x offsets %o : tensor<?x4xf32> offsets tensor<?xindex>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.grouped_body C2: slices
func.func @c2_slices(%x: tensor<?x4xf32>, %w: tensor<7x4xf32>, %o: tensor<9xindex>) {
  // expected-error @below {{expects weights of 8 slices of rank 1 or more, got 'tensor<7x4xf32>'}}
  %y = moe.grouped_body %x weights %w offsets %o : tensor<?x4xf32> weights tensor<7x4xf32> offsets tensor<9xindex>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.grouped_body C3
func.func @c3(%x: tensor<3x4xf32>, %o: tensor<9xindex>) {
  // expected-error @below {{expects block arguments of types 'tensor<?x4xf32>'}}
  %y = moe.grouped_body %x offsets %o : tensor<3x4xf32> offsets tensor<9xindex>
      outs(%x : tensor<3x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%r: tensor<3x4xf32>):
    moe.yield %r : tensor<3x4xf32>
  }
  return
}

// -----

// moe.grouped_body C4
func.func @c4(%x: tensor<?x4xf32>, %o: tensor<9xindex>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects to yield 'tensor<?x6xf32>'}}
  %y = moe.grouped_body %x offsets %o : tensor<?x4xf32> offsets tensor<9xindex>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

// moe.grouped_body C5
func.func @c5(%x: tensor<?x4xf32>, %o: tensor<9xindex>, %s: tensor<4xf32>) {
  %y = moe.grouped_body %x offsets %o : tensor<?x4xf32> offsets tensor<9xindex>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{is not row-wise: operand 0 is not indexed by one parallel loop over the rows}}
    %t = linalg.reduce {arith.addf} ins(%r : tensor<?x4xf32>) outs(%s : tensor<4xf32>) dimensions = [0]
    moe.yield %r : tensor<?x4xf32>
  }
  return
}
