# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The MoE block of transformers' OLMoE model, its experts by torch._grouped_mm."""

import torch
from transformers.models.olmoe.modeling_olmoe import OlmoeConfig, OlmoeSparseMoeBlock


def build(shape, w):
    width, expert_width, experts, top_k = shape
    config = OlmoeConfig(
        hidden_size=width,
        intermediate_size=expert_width,
        num_experts=experts,
        num_experts_per_tok=top_k,
        norm_topk_prob=True,
    )
    config._experts_implementation = "grouped_mm"
    with torch.device("meta"):
        block = OlmoeSparseMoeBlock(config)

    def frozen(tensor):
        return torch.nn.Parameter(tensor, requires_grad=False)

    block.gate.weight = frozen(w.router)
    block.experts.gate_up_proj, block.experts.down_proj = frozen(w.w13), frozen(w.w2)
    block.eval()

    def run(x):
        with torch.inference_mode():
            return block(x[None])[0]

    return run


PEERS = {"torch grouped_mm": build}
