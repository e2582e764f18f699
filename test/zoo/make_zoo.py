# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the tiny checkpoints of this folder that a script made, with what the original classes compute from them.

usage: make_zoo.py OUT [MODEL...]      needs torch and transformers

Weights are random, sizes odd, so that nothing is a multiple of anything. Each folder gets config.json,
model.safetensors and reference.safetensors; for every MoE block moe<i> and T in 1, 7, 33 the last one has
`moe<i>.T<n>.input` [n, D], `.logits` [n, E], `.experts` [n, K] (rising in each row), `.weights` [n, K] and `.output`
[n, D] in f32, and the same but the logits under `moe<i>.T<n>.bf16.` from the model loaded as bf16.
"""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

COMMON = {"vocab_size": 48, "num_attention_heads": 2, "num_key_value_heads": 1, "pad_token_id": 0, "bos_token_id": 1}
COMMON |= {"eos_token_id": 2, "max_position_embeddings": 64}

# The class of the block, its router and the config; "dtype" is that of the stored tensors.
MODELS = {
    "qwen2_moe": {
        "block": "Qwen2MoeSparseMoeBlock",
        "router": "gate",
        "config": {
            "hidden_size": 36,
            "num_hidden_layers": 4,
            "num_experts": 11,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 23,
            "shared_expert_intermediate_size": 37,
            "intermediate_size": 40,
            "decoder_sparse_step": 2,
            "mlp_only_layers": [],
            "norm_topk_prob": False,
        },
    },
    "glm4_moe": {
        "block": "Glm4MoeMoE",
        "router": "gate",
        "config": {
            "hidden_size": 44,
            "num_hidden_layers": 3,
            "n_routed_experts": 9,
            "num_experts_per_tok": 4,
            "moe_intermediate_size": 19,
            "n_shared_experts": 2,
            "intermediate_size": 40,
            "head_dim": 16,
            "first_k_dense_replace": 1,
            "routed_scaling_factor": 1.5,
        },
    },
    "minimax_m2": {
        "block": "MiniMaxM2SparseMoeBlock",
        "router": "gate",
        "dtype": torch.bfloat16,
        "config": {
            "hidden_size": 38,
            "num_hidden_layers": 2,
            "num_local_experts": 13,
            "num_experts_per_tok": 5,
            "intermediate_size": 21,
            "head_dim": 16,
            "rotary_dim": 8,
        },
    },
    "jamba": {
        "block": "JambaSparseMoeBlock",
        "router": "router",
        "config": {
            "hidden_size": 34,
            "num_hidden_layers": 5,
            "num_experts": 6,
            "num_experts_per_tok": 2,
            "intermediate_size": 27,
            "expert_layer_period": 3,
            "expert_layer_offset": 1,
            "attn_layer_period": 2,
            "attn_layer_offset": 0,
            "use_mamba_kernels": False,
            "mamba_d_state": 4,
            "mamba_dt_rank": 3,
        },
    },
    "hunyuan_v1_moe": {
        "block": "HunYuanMoEV1Moe",
        "router": "gate",
        "config": {
            "hidden_size": 42,
            "num_hidden_layers": 2,
            "num_experts": 7,
            "moe_topk": [2, 3],
            "intermediate_size": 29,
            "head_dim": 16,
        },
    },
    "dbrx": {
        "block": "DbrxFFN",
        "router": "router",
        "config": {
            "d_model": 40,
            "n_layers": 2,
            "n_heads": 2,
            "max_seq_len": 64,
            "vocab_size": 48,
            "pad_token_id": 0,
            "attn_config": {"kv_n_heads": 1, "rope_theta": 10000.0},
            "ffn_config": {
                "hidden_size": 40,
                "ffn_hidden_size": 31,
                "moe_num_experts": 10,
                "moe_top_k": 3,
                "moe_normalize_expert_weights": 2.0,
                "ffn_act_fn": {"name": "silu"},
            },
        },
    },
    "deepseek_v2": {
        "block": "DeepseekV2Moe",
        "router": "gate",
        "config": {
            "hidden_size": 46,
            "num_hidden_layers": 2,
            "n_routed_experts": 15,
            "num_experts_per_tok": 4,
            "moe_intermediate_size": 17,
            "n_shared_experts": 2,
            "intermediate_size": 40,
            "first_k_dense_replace": 1,
            "topk_method": "group_limited_greedy",
            "n_group": 5,
            "topk_group": 2,
            "routed_scaling_factor": 1.75,
            "q_lora_rank": 8,
            "kv_lora_rank": 8,
            "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8,
            "v_head_dim": 8,
        },
    },
    "ernie4_5_moe": {
        "block": "Ernie4_5_MoeSparseMoeBlock",
        "router": "gate",
        "config": {
            "hidden_size": 36,
            "num_hidden_layers": 4,
            "moe_num_experts": 11,
            "moe_k": 3,
            "moe_intermediate_size": 25,
            "moe_num_shared_experts": 2,
            "intermediate_size": 40,
            "moe_layer_start_index": 1,
            "moe_layer_interval": 2,
        },
    },
    "flex_olmo": {
        "block": "FlexOlmoSparseMoeBlock",
        "router": "gate",
        "config": {
            "hidden_size": 36,
            "num_hidden_layers": 1,
            "num_experts": 5,
            "num_experts_per_tok": 3,
            "intermediate_size": 33,
            "norm_topk_prob": True,
        },
    },
    "qwen3_next": {
        "block": "Qwen3NextSparseMoeBlock",
        "router": "gate",
        "config": {
            "hidden_size": 36,
            "num_hidden_layers": 2,
            "num_experts": 13,
            "num_experts_per_tok": 6,
            "moe_intermediate_size": 15,
            "shared_expert_intermediate_size": 21,
            "intermediate_size": 40,
            "head_dim": 8,
            "linear_num_key_heads": 1,
            "linear_num_value_heads": 2,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
        },
    },
    "llama4_text": {
        "block": "Llama4TextMoe",
        "router": "router",
        "dense": True,
        "config": {
            "hidden_size": 38,
            "num_hidden_layers": 3,
            "num_local_experts": 5,
            "num_experts_per_tok": 2,
            "intermediate_size": 27,
            "intermediate_size_mlp": 40,
            "interleave_moe_layer_step": 2,
            "head_dim": 16,
            "moe_layers": [0, 2],
        },
    },
    "laguna": {
        "block": "LagunaSparseMoeBlock",
        "router": "gate",
        "config": {
            "hidden_size": 38,
            "num_hidden_layers": 3,
            "num_experts": 9,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 21,
            "shared_expert_intermediate_size": 26,
            "intermediate_size": 40,
            "head_dim": 16,
            "moe_router_logit_softcapping": 1.25,
            "moe_routed_scaling_factor": 1.5,
        },
    },
    "nemotron_h": {
        "block": "NemotronHMoE",
        "router": "gate",
        "config": {
            "hidden_size": 42,
            "layers_block_type": ["moe", "mlp", "moe"],
            "n_routed_experts": 10,
            "num_experts_per_tok": 3,
            "n_group": 5,
            "topk_group": 2,
            "moe_intermediate_size": 25,
            "moe_shared_expert_intermediate_size": 31,
            "intermediate_size": 40,
            "head_dim": 16,
            "routed_scaling_factor": 2.25,
        },
    },
}


def fill(model, seed):
    """Weights for which every stage has values of about 1: logits that differ, activations off their linear part."""
    generator = torch.Generator().manual_seed(seed)
    values = [*model.named_parameters(), *((n, b) for n, b in model.named_buffers() if "correction_bias" in n)]
    with torch.no_grad():
        for name, value in sorted(values):
            if "norm" in name or "mamba" in name:
                continue
            scale = value.shape[-1] ** -0.5 if value.dim() > 1 else 0.2
            value.copy_(torch.randn(value.shape, generator=generator) * scale)


def blocks(model, spec):
    """Block modules in order, each with its path."""
    return [(name, m) for name, m in model.named_modules() if type(m).__name__ == spec["block"]]


def run_block(block, spec, rows):
    seen = {}
    hooks = [
        getattr(block, spec["router"]).register_forward_hook(lambda _m, _i, out: seen.update(router=out)),
        block.experts.register_forward_pre_hook(lambda _m, args: seen.update(ids=args[1], weights=args[2])),
    ]
    if spec.get("dense"):  # every expert sees every row; the router gives scores, 0 where it does not choose
        hooks.pop().remove()
    with torch.no_grad():
        output = block(rows[None])
    for hook in hooks:
        hook.remove()
    if spec.get("dense"):
        output = output[0]
        scores, seen["router"] = seen["router"]
        seen["ids"] = seen["router"].topk(block.top_k, dim=-1).indices
        seen["weights"] = scores.gather(1, seen["ids"])
    logits = seen["router"][0] if isinstance(seen["router"], tuple) else seen["router"]
    ids, order = seen["ids"].sort(dim=-1)
    return {
        "input": rows,
        "logits": logits.reshape(len(rows), -1).float(),
        "experts": ids.int(),
        "weights": seen["weights"].gather(1, order),
        "output": output.reshape(rows.shape),
    }


def reference(folder, spec, seed):
    tensors, names = {}, {}
    generator = torch.Generator().manual_seed(seed + 1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, experts_implementation="eager").eval()
    half = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, experts_implementation="eager").eval()
    width = model.config.hidden_size
    pairs = zip(blocks(model, spec), blocks(half, spec), strict=True)
    for index, ((name, block), (_, other)) in enumerate(pairs):
        names[f"moe{index}"] = name
        for tokens in (1, 7, 33):
            prefix = f"moe{index}.T{tokens}"
            rows = torch.randn(tokens, width, generator=generator)
            for key, value in run_block(block, spec, rows).items():
                tensors[f"{prefix}.{key}"] = value
            for key, value in run_block(other, spec, rows.bfloat16()).items():
                if key != "logits":
                    tensors[f"{prefix}.bf16.{key}"] = value
    assert names, f"{folder}: no block {spec['block']}"
    return {name: value.contiguous().clone() for name, value in tensors.items()}, names


def make(out, name, seed):
    spec = MODELS[name]
    folder = out / name
    fields = spec["config"] if name == "dbrx" else COMMON | spec["config"]
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **fields), dtype=torch.float32)
    fill(model, seed)
    model.to(spec.get("dtype", torch.float32)).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tensors, names = reference(folder, spec, seed)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    metadata = {"model_type": name, "seed": str(seed), **names, **versions}
    save_file(tensors, folder / "reference.safetensors", metadata)
    print(name, names, flush=True)


def main():
    out = Path(sys.argv[1])
    for seed, name in enumerate(MODELS):
        if not sys.argv[2:] or name in sys.argv[2:]:
            make(out, name, 2000 + seed)


if __name__ == "__main__":
    main()
