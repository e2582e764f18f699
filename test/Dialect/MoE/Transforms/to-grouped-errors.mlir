// RUN: moe-opt %s --moe-to-grouped --split-input-file --verify-diagnostics

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
