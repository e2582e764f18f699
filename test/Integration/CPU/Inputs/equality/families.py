# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Model families with sizes drawn: the shipped config.json of a family with other E, K, D and F."""

import json
import random
from pathlib import Path

ZOO = Path(__file__).parents[4] / "zoo"
WIDTHS = (1, 2, 3, 17, 31, 64, 96, 101, 128)
# family: where a config.json has the number of experts, the choices, the expert width (D is hidden_size everywhere).
KEYS = {
    "mixtral": ("num_local_experts", "num_experts_per_tok", "intermediate_size"),
    "qwen3_moe": ("num_experts", "num_experts_per_tok", "moe_intermediate_size"),
    "olmoe": ("num_experts", "num_experts_per_tok", "intermediate_size"),
    "qwen2_moe": ("num_experts", "num_experts_per_tok", "moe_intermediate_size"),
    "qwen3_next": ("num_experts", "num_experts_per_tok", "moe_intermediate_size"),
    "deepseek_v2": ("n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"),
    "deepseek_v3": ("n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"),
    "glm4_moe": ("n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"),
    "gpt_oss": ("num_local_experts", "num_experts_per_tok", "intermediate_size"),
    "granitemoe": ("num_local_experts", "num_experts_per_tok", "intermediate_size"),
    "minimax_m2": ("num_local_experts", "num_experts_per_tok", "intermediate_size"),
    "jamba": ("num_experts", "num_experts_per_tok", "intermediate_size"),
    "flex_olmo": ("num_experts", "num_experts_per_tok", "intermediate_size"),
    "llama4_text": ("num_local_experts", "num_experts_per_tok", "intermediate_size"),
    "ernie4_5_moe": ("moe_num_experts", "moe_k", "moe_intermediate_size"),
}


def draw(seed, index, turn):
    """(family, dtype, config) of one model; families take turns."""
    rng = random.Random(f"{seed}/{index}")
    family = list(KEYS)[turn % len(KEYS)]
    config = json.loads((ZOO / family / "config.json").read_text())
    experts_key, choices_key, width_key = KEYS[family]
    # Groups have as many experts as they had, and as many of them stay.
    groups = config.get("n_group") or 1
    experts = groups * rng.choice((1, 2, 3, 5, 8, 33) if groups == 1 else (2, 3, 5))
    kept = experts // groups * (config.get("topk_group") or 1)
    config |= {
        experts_key: experts,
        choices_key: rng.choice((1, min(2, kept), kept, rng.randint(1, kept))),
        width_key: rng.choice(WIDTHS),
        "hidden_size": rng.choice(WIDTHS),
    }
    return family, rng.choice(("f32", "bf16")), config


def write(folder, config):
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path
