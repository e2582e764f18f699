// RUN: moe-opt %s --moe-to-grouped --split-input-file --verify-diagnostics

func.func @slice(%x: !moe.ragged<8, 4, f32>, %w: tensor<8x4xf32>) {
  %y = moe.experts %x weights %w : !moe.ragged<8, 4, f32>, tensor<8x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<4xf32>):
    // expected-error @below {{only moe.linear and moe.map may take an expert's slice of a weight}}
    %exp = math.exp %v : tensor<4xf32>
    moe.yield %r : tensor<?x4xf32>
  }
  return
}

// -----

func.func @vector(%x: !moe.ragged<8, 4, f32>, %w: tensor<8x4xf32>) {
  %y = moe.experts %x weights %w : !moe.ragged<8, 4, f32>, tensor<8x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<4xf32>):
    // expected-error @below {{it takes a vector of each expert, so its rows must be results of one moe.linear}}
    %m = moe.map %r, %v : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %a, %b : f32
      moe.yield %s : f32
    }
    moe.yield %m : tensor<?x4xf32>
  }
  return
}

// -----

func.func @mixed(%x: !moe.ragged<8, 4, f32>, %w: tensor<8x4x4xf32>, %shared: tensor<4x4xf32>) {
  %y = moe.experts %x weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %we: tensor<4x4xf32>):
    // expected-error @below {{'moe.linear' op is not lowered to the grouped form yet: only moe.linear and moe.map may take}}
    %p, %q = moe.linear %r, %we, %shared
        : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>, tensor<?x4xf32>
    moe.yield %p : tensor<?x4xf32>
  }
  return
}

// -----

func.func @routings(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>, %s: !moe.routing<8, 2, f32>) {
  %a = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %b = moe.dispatch %x by %s : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  // expected-error @below {{its rows were not all dispatched by one routing}}
  %y = moe.experts %a, %b : !moe.ragged<8, 4, f32>, !moe.ragged<8, 4, f32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%u: tensor<?x4xf32>, %v: tensor<?x4xf32>):
    %m = arith.addf %u, %v : tensor<?x4xf32>
    moe.yield %m : tensor<?x4xf32>
  }
  return
}
