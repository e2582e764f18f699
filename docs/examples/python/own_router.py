# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Try a router of one's own: write it as IR, run it from NumPy.

The router scores each expert by the distance of a row to the expert's centre, takes the two nearest, and weighs them by
a softmax of the negative distances; a bias is added for the choice alone, to keep experts evenly used.
"""

# %% The layer in the dialect `moe`. A router is a score and a route; everything after it is as for any other layer.
import moe_mlir
import numpy as np

E, K, D, F = 6, 2, 16, 24

TEXT = f"""
moe.weight @centres : tensor<{E}x{D}xf32> from "centres"
moe.weight @balance : tensor<{E}xf32> from "balance"
moe.weight @up : tensor<{E}x{F}x{D}xf32> from "up"
moe.weight @down : tensor<{E}x{D}x{F}xf32> from "down"
moe.layer @moe0 block 0 = @nearest(@centres, @balance, @up, @down)

func.func @nearest(%x: tensor<?x{D}xf32>, %centres: tensor<{E}x{D}xf32>, %balance: tensor<{E}xf32>,
                   %up: tensor<{E}x{F}x{D}xf32>, %down: tensor<{E}x{D}x{F}xf32>)
    -> (tensor<?x{D}xf32> {{moe.name = "output"}}, tensor<?x{E}xf32> {{moe.name = "logits"}},
        tensor<?x{K}xi32> {{moe.name = "experts"}}, tensor<?x{K}xf32> {{moe.name = "weights"}}) {{
  %logits = moe.score.neg_distance %x, %centres power 2 : tensor<?x{D}xf32>, tensor<{E}x{D}xf32> -> tensor<?x{E}xf32>
  %routing = moe.route %logits bias %balance select #moe.top_k<{K}> rank logits weigh #moe.softmax over selected
      : tensor<?x{E}xf32>, tensor<{E}xf32> -> !moe.routing<{E}, {K}, f32>
  %experts, %weights = moe.unpack_routing %routing
      : !moe.routing<{E}, {K}, f32> -> tensor<?x{K}xi32>, tensor<?x{K}xf32>
  %rows = moe.dispatch %x by %routing : tensor<?x{D}xf32>, !moe.routing<{E}, {K}, f32> -> !moe.ragged<{E}, {D}, f32>
  %outputs = moe.experts %rows weights %up, %down
      : !moe.ragged<{E}, {D}, f32>, tensor<{E}x{F}x{D}xf32>, tensor<{E}x{D}x{F}xf32> -> !moe.ragged<{E}, {D}, f32> {{
  ^bb0(%row: tensor<?x{D}xf32>, %u: tensor<{F}x{D}xf32>, %d: tensor<{D}x{F}xf32>):
    %h = moe.linear %row, %u : tensor<?x{D}xf32>, tensor<{F}x{D}xf32> -> tensor<?x{F}xf32>
    %a = moe.map %h : tensor<?x{F}xf32> -> tensor<?x{F}xf32> {{
    ^bb0(%v: f32):
      %tanh = math.tanh %v : f32
      moe.yield %tanh : f32
    }}
    %y = moe.linear %a, %d : tensor<?x{F}xf32>, tensor<{D}x{F}xf32> -> tensor<?x{D}xf32>
    moe.yield %y : tensor<?x{D}xf32>
  }}
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<{E}, {D}, f32>, !moe.routing<{E}, {K}, f32> -> tensor<?x{D}xf32>
  return %output, %logits, %experts, %weights
      : tensor<?x{D}xf32>, tensor<?x{E}xf32>, tensor<?x{K}xi32>, tensor<?x{K}xf32>
}}
"""

# %% Weights are arrays under the names that the text gives them.
rng = np.random.default_rng(3)
draw = lambda *shape: (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)  # noqa: E731
weights = {"centres": draw(E, D), "balance": draw(E), "up": draw(E, F, D), "down": draw(E, D, F)}
layer = moe_mlir.compile(TEXT, weights=weights)
print(layer)

# %% Run it, and the same in NumPy.
x = rng.standard_normal((9, D), dtype=np.float32)
outputs = layer.run(x)


def in_numpy(x):
    out, distance = np.zeros_like(x), ((x[:, None] - weights["centres"]) ** 2).sum(-1)
    chosen = np.argsort(-(weights["balance"] - distance), axis=1, kind="stable")[:, :K]
    for t, ids in enumerate(chosen):
        share = np.exp(distance[t, ids].min() - distance[t, ids])
        for e, w in zip(ids, share / share.sum(), strict=True):
            out[t] += w * (weights["down"][e] @ np.tanh(weights["up"][e] @ x[t]))
    return chosen, out


chosen, expected = in_numpy(x)
print("logits of row 0:", outputs["logits"][0])
print("the same experts:", np.array_equal(outputs["experts"], chosen))
print("largest difference:", np.abs(outputs["output"] - expected).max())

# %% A mistake is a message with the place in the text.
try:
    moe_mlir.compile(TEXT.replace(f"#moe.top_k<{K}>", f"#moe.top_k<{E + 1}>"), weights=weights)
except moe_mlir.CompileError as error:
    print("error:", error)
