# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The MoE block of transformers' OLMoE model with its own implementations of the experts."""

import torch
from transformers.models.olmoe.modeling_olmoe import OlmoeConfig, OlmoeSparseMoeBlock

from . import Peer


def build_with(implementation):
    def build(case, w):
        config = OlmoeConfig(
            hidden_size=case.D,
            intermediate_size=case.F,
            num_experts=case.E,
            num_experts_per_tok=case.K,
            norm_topk_prob=True,
        )
        config._experts_implementation = implementation
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

    return build


PEERS = {"hf-eager": Peer(build_with("eager")), "hf-grouped": Peer(build_with("grouped_mm"))}
