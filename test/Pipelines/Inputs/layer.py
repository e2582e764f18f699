#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints a SwiGLU layer in the model form. usage: layer.py [experts [choices [width [inner [type]]]]]"""

import sys

sizes = dict(zip("EKDF", [8, 2, 64, 80], strict=True)) | {"T": "bf16"}
sizes |= dict(zip("EKDFT", sys.argv[1:], strict=False))

LAYER = """
moe.weight @router : tensor<{E}x{D}x{T}> from "router"
moe.weight @gate : tensor<{E}x{F}x{D}x{T}> from "experts.{{e}}.gate"
moe.weight @up : tensor<{E}x{F}x{D}x{T}> from "experts.{{e}}.up"
moe.weight @down : tensor<{E}x{D}x{F}x{T}> from "experts.{{e}}.down"
moe.layer @layer block 0 = @k(@router, @gate, @up, @down)

func.func @k(%x: tensor<?x{D}x{T}>, %router: tensor<{E}x{D}x{T}>, %gate: tensor<{E}x{F}x{D}x{T}>,
             %up: tensor<{E}x{F}x{D}x{T}>, %down: tensor<{E}x{D}x{F}x{T}>)
    -> (tensor<?x{D}x{T}> {{moe.name = "output"}}, tensor<?x{E}xf32> {{moe.name = "logits"}}) {{
  %logits = moe.score.affine %x, %router : tensor<?x{D}x{T}>, tensor<{E}x{D}x{T}> -> tensor<?x{E}xf32>
  %routing = moe.route %logits select #moe.top_k<{K}> rank scores weigh #moe.softmax over all renormalize
      : tensor<?x{E}xf32> -> !moe.routing<{E}, {K}, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x{D}x{T}>, !moe.routing<{E}, {K}, f32> -> !moe.ragged<{E}, {D}, {T}>
  %outputs = moe.experts %rows weights %gate, %up, %down
      : !moe.ragged<{E}, {D}, {T}>, tensor<{E}x{F}x{D}x{T}>, tensor<{E}x{F}x{D}x{T}>, tensor<{E}x{D}x{F}x{T}>
      -> !moe.ragged<{E}, {D}, f32> {{
  ^bb0(%r: tensor<?x{D}x{T}>, %wg: tensor<{F}x{D}x{T}>, %wu: tensor<{F}x{D}x{T}>, %wd: tensor<{D}x{F}x{T}>):
    %g = moe.linear %r, %wg : tensor<?x{D}x{T}>, tensor<{F}x{D}x{T}> -> tensor<?x{F}xf32>
    %u = moe.linear %r, %wu : tensor<?x{D}x{T}>, tensor<{F}x{D}x{T}> -> tensor<?x{F}xf32>
    %h = moe.map %g, %u : tensor<?x{F}xf32>, tensor<?x{F}xf32> -> tensor<?x{F}x{T}> {{
    ^bb0(%a: f32, %b: f32):
      %one = arith.constant 1.0 : f32
      %neg = arith.negf %a : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %exp, %one : f32
      %silu = arith.divf %a, %den : f32
      %prod = arith.mulf %silu, %b : f32
      {convert}
    }}
    %y = moe.linear %h, %wd : tensor<?x{F}x{T}>, tensor<{D}x{F}x{T}> -> tensor<?x{D}xf32>
    moe.yield %y : tensor<?x{D}xf32>
  }}
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<{E}, {D}, f32>, !moe.routing<{E}, {K}, f32> -> tensor<?x{D}x{T}>
  return %output, %logits : tensor<?x{D}x{T}>, tensor<?x{E}xf32>
}}
"""

narrow = "%out = arith.truncf %prod : f32 to {T}\n      moe.yield %out : {T}".format(**sizes)
print(LAYER.format(**sizes, convert=narrow if sizes["T"] != "f32" else "moe.yield %prod : f32"))
