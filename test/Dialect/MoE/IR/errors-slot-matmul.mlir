// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.slot_matmul C1
func.func @c1(%x: tensor<?x4xf32>, %o: tensor<?x2xi32>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects at least one matrix}}
  "moe.slot_matmul"(%x, %o, %i) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 1>}> ({
    %c = arith.constant 0.0 : f32
    moe.yield %c : f32
  }) : (tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  return
}

// -----

// moe.slot_matmul C2
func.func @c2_width(%x: tensor<?x5xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects matrices [experts, columns, 5] of one type, got 'tensor<8x6x4xf32>'}}
  moe.slot_matmul %x ids %o weights %w0
      : tensor<?x5xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C2
func.func @c2_types(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %w1: tensor<8x6x4xbf16>, %o: tensor<?x2xi32>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects matrices [experts, columns, 4] of one type, got 'tensor<8x6x4xbf16>'}}
  moe.slot_matmul %x ids %o weights %w0, %w1
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>, tensor<8x6x4xbf16>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32, %b: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C3
func.func @c3(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %i: tensor<?x7xf32>) {
  // expected-error @below {{expects a result of 6 columns, got 'tensor<?x7xf32>'}}
  moe.slot_matmul %x ids %o weights %w0
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>
      outs(%i : tensor<?x7xf32>) -> tensor<?x7xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C4
func.func @c4(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %c0: tensor<8x7xf32>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects column operands [8, 6], got 'tensor<8x7xf32>'}}
  moe.slot_matmul %x ids %o weights %w0 columns %c0
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32> columns tensor<8x7xf32>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32, %c: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C4
func.func @c4_experts(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %c0: tensor<4x6xf32>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects column operands [8, 6], got 'tensor<4x6xf32>'}}
  moe.slot_matmul %x ids %o weights %w0 columns %c0
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32> columns tensor<4x6xf32>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32, %c: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C5: accumulators are f32 whatever the rows are
func.func @c5(%x: tensor<?x4xbf16>, %w0: tensor<8x6x4xbf16>, %o: tensor<?x2xi32>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects block arguments of types 'f32'}}
  moe.slot_matmul %x ids %o weights %w0
      : tensor<?x4xbf16> ids tensor<?x2xi32> weights tensor<8x6x4xbf16>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: bf16):
    %e = arith.extf %acc : bf16 to f32
    moe.yield %e : f32
  }
  return
}

// -----

// moe.slot_matmul C5
func.func @c5_operands(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %c0: tensor<8x6xf32>, %s0: tensor<?xbf16>, %i: tensor<?x6xf32>) {
  // expected-error @below {{expects block arguments of types 'f32', 'f32', 'bf16'}}
  moe.slot_matmul %x ids %o weights %w0 columns %c0 scalars %s0
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32> columns tensor<8x6xf32> scalars tensor<?xbf16>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32, %s: bf16, %c: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C6
func.func @c6(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %i: tensor<?x6xbf16>) {
  // expected-error @below {{expects to yield one 'bf16'}}
  moe.slot_matmul %x ids %o weights %w0
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>
      outs(%i : tensor<?x6xbf16>) -> tensor<?x6xbf16> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return
}

// -----

// moe.slot_matmul C7
func.func @c7(%x: tensor<?x4xf32>, %w0: tensor<8x6x4xf32>, %o: tensor<?x2xi32>, %i: tensor<?x6xf32>, %m: memref<f32>) {
  moe.slot_matmul %x ids %o weights %w0
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    // expected-error @below {{has side effects, but is in an epilogue}}
    memref.store %acc, %m[] : memref<f32>
    moe.yield %acc : f32
  }
  return
}
