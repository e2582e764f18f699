// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.combine_slots C5: shape
func.func @c5_shape(%s: tensor<?x4xf32>, %x: tensor<?x5xf32>) {
  // expected-error @below {{expects others of the result's shape, or vectors of its columns, got 'tensor<?x5xf32>'}}
  %y = moe.combine_slots %s 2 sum others %x : tensor<?x4xf32> others tensor<?x5xf32>
      outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32> epilogue {
  ^bb0(%a: f32, %b: f32):
    moe.yield %a : f32
  }
  return
}

// -----

// moe.combine_slots C5: no epilogue
func.func @c5_none(%s: tensor<?x4xf32>) {
  // expected-error @below {{expects an epilogue where there are others}}
  %y = moe.combine_slots %s 2 sum others %s : tensor<?x4xf32> others tensor<?x4xf32>
      outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C6
func.func @c6(%s: tensor<?x4xbf16>) {
  // expected-error @below {{expects block arguments of types 'f32', 'bf16'}}
  %y = moe.combine_slots %s 2 sum others %s : tensor<?x4xbf16> others tensor<?x4xbf16>
      outs(%s : tensor<?x4xbf16>) -> tensor<?x4xbf16> epilogue {
  ^bb0(%a: bf16, %b: bf16):
    moe.yield %a : bf16
  }
  return
}

// -----

// moe.combine_slots C7
func.func @c7(%s: tensor<?x4xbf16>) {
  // expected-error @below {{expects to yield one 'bf16'}}
  %y = moe.combine_slots %s 2 sum : tensor<?x4xbf16> outs(%s : tensor<?x4xbf16>) -> tensor<?x4xbf16> epilogue {
  ^bb0(%a: f32):
    moe.yield %a : f32
  }
  return
}

// -----

// moe.combine_slots C8
func.func private @f(f32) -> f32
func.func @c8(%s: tensor<?x4xf32>) {
  %y = moe.combine_slots %s 2 sum : tensor<?x4xf32> outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32> epilogue {
  ^bb0(%a: f32):
    // expected-error @below {{has side effects, but is in an epilogue}}
    %v = func.call @f(%a) : (f32) -> f32
    moe.yield %v : f32
  }
  return
}
