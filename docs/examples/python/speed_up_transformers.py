# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run the MoE blocks of a transformers model compiled.

usage: speed_up_transformers.py [CHECKPOINT]      by default a tiny random Qwen3-MoE of this repository's tests
"""

# %% A model as always.
import sys
import time
from pathlib import Path

import moe_mlir.transformers
import torch
from transformers import AutoModelForCausalLM

folder = sys.argv[1] if sys.argv[1:] else Path(__file__).resolve().parents[3] / "test/zoo/qwen3_moe"
prompt = torch.tensor([[5, 42, 7, 3, 11, 20, 9]])
model = AutoModelForCausalLM.from_pretrained(folder).eval()


def generate(model):
    begin = time.perf_counter()
    tokens = model.generate(prompt, max_new_tokens=16, do_sample=False)
    return tokens[0].tolist(), time.perf_counter() - begin


expected, seconds = generate(model)
print(f"transformers: {seconds:.3f} s: {expected}")

# %% One: the experts only, by transformers' own interface. Routers stay as they are; weights are packed at the first
# call, or all at once by prepare(), which can give the original weights' memory back.
experts = AutoModelForCausalLM.from_pretrained(folder, experts_implementation="moe_mlir").eval()
moe_mlir.transformers.prepare(experts, free=True)
tokens, seconds = generate(experts)
print(f"experts compiled: {seconds:.3f} s, the same tokens: {tokens == expected}")

# %% Two: whole blocks, the router fused with the rest. Works for families that do not go through the interface, too,
# and for weights in fewer bits.
print("replaced:", moe_mlir.transformers.patch(model))
tokens, seconds = generate(model)
print(f"blocks compiled: {seconds:.3f} s, the same tokens: {tokens == expected}")
moe_mlir.transformers.unpatch(model)

# %% Three: in a graph of torch.compile or torch.export, where a compiled layer is one operator.
block = moe_mlir.compile(folder, layer=0)
compiled = torch.compile(lambda x: x + block(x), fullgraph=True, backend="aot_eager")
x = torch.randn(4, block.model_width)
print("in a graph, the same:", torch.equal(compiled(x), x + block(x)))

# %% Four: a block of one's own in plain PyTorch.


class Block(torch.nn.Module):
    def __init__(self, width=32, experts=8, inner=48):
        super().__init__()
        self.router = torch.nn.Linear(width, experts, bias=False)
        self.experts = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(width, inner), torch.nn.GELU(), torch.nn.Linear(inner, width))
            for _ in range(experts)
        )

    def forward(self, x):
        weights, ids = self.router(x).softmax(-1).topk(2)
        out = torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            rows, place = torch.where(ids == e)
            out.index_add_(0, rows, weights[rows, place, None] * expert(x[rows]))
        return out


own = Block().requires_grad_(False)
layer = moe_mlir.compile(own)
x = torch.randn(10, 32)
print(layer, "largest difference:", (layer(x) - own(x)).abs().max().item())
