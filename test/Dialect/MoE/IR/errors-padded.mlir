// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.plan_padded C1
func.func @plan_c1(%ids: tensor<?x2xi32>, %n: tensor<?xindex>, %p: tensor<16xindex>, %q: tensor<16xindex>) {
  // expected-error @below {{expects static counts of at least one element, got 'tensor<?xindex>'}}
  moe.plan_padded %ids capacity 2 : tensor<?x2xi32> outs(%n, %p, %q : tensor<?xindex>, tensor<16xindex>, tensor<16xindex>) -> tensor<?xindex>, tensor<16xindex>, tensor<16xindex>
  return
}

// -----

// moe.plan_padded C1
func.func @plan_c1_none(%ids: tensor<?x2xi32>, %n: tensor<0xindex>, %p: tensor<16xindex>, %q: tensor<16xindex>) {
  // expected-error @below {{expects static counts of at least one element, got 'tensor<0xindex>'}}
  moe.plan_padded %ids capacity 2 : tensor<?x2xi32> outs(%n, %p, %q : tensor<0xindex>, tensor<16xindex>, tensor<16xindex>) -> tensor<0xindex>, tensor<16xindex>, tensor<16xindex>
  return
}

// -----

// moe.plan_padded C2
func.func @plan_c2(%ids: tensor<?x2xi32>, %n: tensor<8xindex>, %p: tensor<16xindex>, %q: tensor<16xindex>) {
  // expected-error @below {{expects capacity >= 1 and at most 1048576 places, got 8 experts of capacity 0}}
  moe.plan_padded %ids capacity 0 : tensor<?x2xi32> outs(%n, %p, %q : tensor<8xindex>, tensor<16xindex>, tensor<16xindex>) -> tensor<8xindex>, tensor<16xindex>, tensor<16xindex>
  return
}

// -----

// moe.plan_padded C2
func.func @plan_c2_many(%ids: tensor<?x2xi32>, %n: tensor<8xindex>, %p: tensor<16xindex>, %q: tensor<16xindex>) {
  // expected-error @below {{expects capacity >= 1 and at most 1048576 places, got 8 experts of capacity 9223372036854775807}}
  moe.plan_padded %ids capacity 9223372036854775807 : tensor<?x2xi32> outs(%n, %p, %q : tensor<8xindex>, tensor<16xindex>, tensor<16xindex>) -> tensor<8xindex>, tensor<16xindex>, tensor<16xindex>
  return
}

// -----

// moe.plan_padded C3
func.func @plan_c3(%ids: tensor<?x2xi32>, %n: tensor<8xindex>, %p: tensor<15xindex>, %q: tensor<15xindex>) {
  // expected-error @below {{expects tokens and slots of 16 elements, got 'tensor<15xindex>'}}
  moe.plan_padded %ids capacity 2 : tensor<?x2xi32> outs(%n, %p, %q : tensor<8xindex>, tensor<15xindex>, tensor<15xindex>) -> tensor<8xindex>, tensor<15xindex>, tensor<15xindex>
  return
}

// -----

// moe.plan_padded C3
func.func @plan_c3_slots(%ids: tensor<?x2xi32>, %n: tensor<8xindex>, %p: tensor<16xindex>, %q: tensor<?xindex>) {
  // expected-error @below {{expects tokens and slots of 16 elements, got 'tensor<?xindex>'}}
  moe.plan_padded %ids capacity 2 : tensor<?x2xi32> outs(%n, %p, %q : tensor<8xindex>, tensor<16xindex>, tensor<?xindex>) -> tensor<8xindex>, tensor<16xindex>, tensor<?xindex>
  return
}

// -----

// moe.padded_matmul C1
func.func @c1(%x: tensor<16x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects at least one matrix}}
  "moe.padded_matmul"(%x, %n, %i) <{capacity = 2 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 0, 0, 0, 1>}> ({
    %c = arith.constant 0.0 : f32
    moe.yield %c : f32
  }) : (tensor<16x4xf32>, tensor<8xindex>, tensor<16x6xf32>) -> tensor<16x6xf32>
  return
}

// -----

// moe.padded_matmul C2
func.func @c2_width(%x: tensor<16x5xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects matrices [experts, columns, 5] of one type, got 'tensor<8x6x4xf32>'}}
  moe.padded_matmul %x weights %w0 counts %n capacity 2
      : tensor<16x5xf32> weights tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C2
func.func @c2_types(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %w1: tensor<8x6x4xbf16>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects matrices [experts, columns, 4] of one type, got 'tensor<8x6x4xbf16>'}}
  moe.padded_matmul %x weights %w0, %w1 counts %n capacity 2
      : tensor<16x4xf32> weights tensor<8x6x4xf32>, tensor<8x6x4xbf16> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32, %a1: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C3
func.func @c3(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x7xf32>) {
  // expected-error @below {{expects a result of 6 columns, got 'tensor<16x7xf32>'}}
  moe.padded_matmul %x weights %w0 counts %n capacity 2
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x7xf32>) -> tensor<16x7xf32> {
  ^bb0(%a0: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C4
func.func @c4(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>, %c: tensor<8x7xf32>) {
  // expected-error @below {{expects column operands [8, 6], got 'tensor<8x7xf32>'}}
  moe.padded_matmul %x weights %w0 counts %n capacity 2 columns %c
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex> columns tensor<8x7xf32>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32, %b: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C5
func.func @c5(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>, %s: tensor<?xbf16>) {
  // expected-error @below {{expects block arguments of types 'f32', 'bf16'}}
  moe.padded_matmul %x weights %w0 counts %n capacity 2 scalars %s
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex> scalars tensor<?xbf16>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32, %b: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C6
func.func @c6(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects to yield one 'f32'}}
  moe.padded_matmul %x weights %w0 counts %n capacity 2
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32):
    %t = arith.truncf %a0 : f32 to bf16
    moe.yield %t : bf16
  }
  return
}

// -----

// moe.padded_matmul C7
func.func @c7(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  moe.padded_matmul %x weights %w0 counts %n capacity 2
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32):
    // expected-error @below {{has side effects, but is in an epilogue}}
    %m = memref.alloc() : memref<f32>
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C8
func.func @c8(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<9xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects 8 counts, got 'tensor<9xindex>'}}
  moe.padded_matmul %x weights %w0 counts %n capacity 2
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<9xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C9
func.func @c9(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects capacity >= 1 and at most 1048576 places, got 8 experts of capacity 0}}
  moe.padded_matmul %x weights %w0 counts %n capacity 0
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32):
    moe.yield %a0 : f32
  }
  return
}

// -----

// moe.padded_matmul C9
func.func @c9_many(%x: tensor<16x4xf32>, %w0: tensor<8x6x4xf32>, %n: tensor<8xindex>, %i: tensor<16x6xf32>) {
  // expected-error @below {{expects capacity >= 1 and at most 1048576 places, got 8 experts of capacity 131073}}
  moe.padded_matmul %x weights %w0 counts %n capacity 131073
      : tensor<16x4xf32> weights tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%a0: f32):
    moe.yield %a0 : f32
  }
  return
}
