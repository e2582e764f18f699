# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of transformers by way of the experts interface and with whole blocks replaced, against their own classes."""

import copy
import os
import pickle
import threading
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import moe_mlir.transformers
import pytest
import torch
import transformers

# Families whose blocks differ in kind; the rest are variations and run with --full.
QUICK = ("mixtral", "gpt_oss", "dbrx")
ZOO = Path(os.environ.get("MOE_TEST_ZOO", Path(__file__).parent.parent / "zoo"))
NAMES = sorted(file.parent.name for file in ZOO.glob("*/config.json"))
FAMILIES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in NAMES]
OUTSIDE_THE_INTERFACE = ("dbrx", "llama4_text")
WITHOUT_CACHE = ("nemotron_h", "qwen3_next")  # these tiny models have no layer of attention, which the cache wants
PROMPT = torch.tensor([[5, 42, 7, 3, 11, 20, 9]])


def config_of(zoo, name):
    """The shipped config, with what the model around the blocks needs to run."""
    config = transformers.AutoConfig.from_pretrained(zoo / name)
    if name == "dbrx":
        config.attn_config.clip_qkv = 8.0
    if name == "deepseek_v2":
        config.num_key_value_heads = config.num_attention_heads
    return config


def load(zoo, name, implementation="eager", dtype=torch.float32):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        zoo / name, config=config_of(zoo, name), dtype=dtype, experts_implementation=implementation
    )
    return model.eval()


def logits(model):
    with torch.no_grad():
        return model(PROMPT, use_cache=False).logits.float()


def generate(model, name):
    return model.generate(PROMPT, max_new_tokens=8, do_sample=False, use_cache=name not in WITHOUT_CACHE)


def agree(got, expected, dtype):
    """In f32 everywhere; in bf16 a row may go to another expert where two are nearly equal, and later rows see it."""
    difference = (got - expected).abs().amax(dim=-1) / expected.abs().max()
    return bool((difference.max() < 1e-5) if dtype == torch.float32 else (difference.median() < 0.03))


def compiled_experts(model):
    caches = [module.__dict__.get("_moe_mlir_cache") for module in model.modules()]
    return sum(1 for cache in caches if cache and cache.layer is not None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["f32", "bf16"])
@pytest.mark.parametrize("name", FAMILIES)
def test_interface(zoo, name, dtype):
    if name in OUTSIDE_THE_INTERFACE:
        with pytest.warns(UserWarning, match="changes nothing; use moe_mlir.transformers.patch"):
            load(zoo, name, "moe_mlir", dtype)
        return
    eager, ours = load(zoo, name, dtype=dtype), load(zoo, name, "moe_mlir", dtype)
    assert agree(logits(ours), logits(eager), dtype)
    assert compiled_experts(ours) > 0
    if dtype == torch.float32:
        assert torch.equal(generate(ours, name), generate(eager, name))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["f32", "bf16"])
@pytest.mark.parametrize("name", FAMILIES)
def test_patch(zoo, name, dtype):
    eager, ours = load(zoo, name, dtype=dtype), load(zoo, name, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        replaced = moe_mlir.transformers.patch(ours)
    assert len(replaced) == len(moe_mlir.describe(zoo / name).blocks)
    expected = logits(eager)
    assert agree(logits(ours), expected, dtype)
    if dtype == torch.float32:
        assert torch.equal(generate(ours, name), generate(eager, name))
    moe_mlir.transformers.unpatch(ours)
    assert torch.equal(logits(ours), expected)


def test_weights_are_packed_once_and_again_when_they_change(zoo):
    model = load(zoo, "mixtral", "moe_mlir")
    before = logits(model)
    layers = [m._moe_mlir_cache.layer for m in model.modules() if hasattr(m, "_moe_mlir_cache")]
    assert torch.equal(logits(model), before)
    assert layers == [m._moe_mlir_cache.layer for m in model.modules() if hasattr(m, "_moe_mlir_cache")]
    assert layers[0]._library is layers[1]._library  # one shape, one code
    with torch.no_grad():
        model.model.layers[0].mlp.experts.down_proj.mul_(2)
    eager = load(zoo, "mixtral")
    with torch.no_grad():
        eager.model.layers[0].mlp.experts.down_proj.mul_(2)
    assert agree(logits(model), logits(eager), torch.float32)
    assert not agree(logits(model), before, torch.float32)


def test_freeing_the_originals(zoo, tmp_path):
    eager, model = load(zoo, "qwen3_moe"), load(zoo, "qwen3_moe", "moe_mlir")
    moe_mlir.transformers.prepare(model, free=True)
    assert all(p.numel() == 0 for n, p in model.named_parameters() if ".experts." in n)
    assert agree(logits(model), logits(eager), torch.float32)
    with pytest.raises(RuntimeError, match="were freed"):
        model.to(torch.bfloat16)(PROMPT)
    patched = load(zoo, "qwen3_moe")
    moe_mlir.transformers.patch(patched, free=True)
    assert all(p.numel() == 0 for n, p in patched.named_parameters() if ".mlp." in n)
    assert agree(logits(patched), logits(eager), torch.float32)
    with pytest.raises(RuntimeError, match="were freed"):
        moe_mlir.transformers.unpatch(patched)
    for each in (model, patched):
        with pytest.raises(RuntimeError, match="to save it"):
            each.save_pretrained(tmp_path)


def test_quantised_patch(zoo):
    eager, model = load(zoo, "olmoe"), load(zoo, "olmoe")
    assert len(moe_mlir.transformers.patch(model, dtype="int8")) == 2
    difference = (logits(model) - logits(eager)).abs().max() / logits(eager).abs().max()
    assert 1e-5 < difference < 0.1


def test_what_cannot_be_replaced_is_named(zoo):
    model = load(zoo, "mixtral")
    before = logits(model)
    model.model.layers[1].mlp.experts.act_fn = torch.nn.Tanh()  # no longer what the config says
    changed = logits(model)
    with pytest.warns(UserWarning, match=r"not replaced: model.layers.1.mlp: the compiled .* original"):
        assert moe_mlir.transformers.patch(model) == ["model.layers.0.mlp"]
    assert agree(logits(model), changed, torch.float32)
    assert not agree(changed, before, torch.float32)
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=16
    )
    with pytest.warns(UserWarning, match="not replaced: LlamaForCausalLM: .*llama"):
        assert moe_mlir.transformers.patch(transformers.LlamaForCausalLM(config)) == []
    for wrong in ({"dtype": "int3"}, {"cpu": "z80"}):
        with pytest.raises(moe_mlir.CompileError, match=f"^{next(iter(wrong))}: expected"):
            moe_mlir.transformers.patch(model, **wrong)
    with pytest.raises(TypeError, match="expected a model of transformers"):
        moe_mlir.transformers.patch(torch.nn.Linear(2, 2))


def test_families_that_ignore_the_setting_are_named(zoo):
    small = {"d_model": 16, "d_ff": 16, "d_kv": 8, "num_layers": 2, "num_heads": 2, "num_experts": 4, "vocab_size": 16}
    model = transformers.SwitchTransformersForConditionalGeneration(transformers.SwitchTransformersConfig(**small))
    with pytest.warns(UserWarning, match="changes nothing; .*patch does not know switch_transformers either"):
        model.set_experts_implementation("moe_mlir")
    with pytest.warns(UserWarning, match="not replaced: Switch.*: .*switch_transformers"):
        assert moe_mlir.transformers.patch(model) == []
    dense = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=16
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        transformers.LlamaForCausalLM(dense).set_experts_implementation("moe_mlir")


class Bessel(torch.nn.Module):
    def forward(self, x):
        return torch.special.i0(x)


def test_an_activation_that_is_not_understood_runs_as_grouped_mm(zoo):
    model, eager = load(zoo, "mixtral", "moe_mlir"), load(zoo, "mixtral")
    for each in (model, eager):
        for layer in each.model.layers:
            layer.mlp.experts.act_fn = Bessel()
    with pytest.warns(UserWarning, match="MixtralExperts runs as grouped_mm: the operator aten.i0"):
        got = logits(model)
    assert agree(got, logits(eager), torch.float32)


ACTIVATIONS = [pytest.param(name, marks=pytest.mark.full) for name in ("gelu", "tanh", "sigmoid", "relu6", "mish")]


@pytest.mark.parametrize("activation", ["gelu_pytorch_tanh", "relu2", *ACTIVATIONS])
def test_activations_are_traced(zoo, activation):
    model, eager = load(zoo, "mixtral", "moe_mlir"), load(zoo, "mixtral")
    for each in (model, eager):
        for layer in each.model.layers:
            layer.mlp.experts.act_fn = transformers.activations.ACT2FN[activation]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert agree(logits(model), logits(eager), torch.float32)


def test_ids_of_other_processes_go_nowhere(zoo):
    """Under expert parallelism an id of num_experts means an expert of another process."""
    experts = load(zoo, "mixtral", "moe_mlir").model.layers[0].mlp.experts
    x = torch.randn(6, experts.gate_up_proj.shape[-1])
    ids = torch.randint(0, 8, (6, 2))
    ids[:, 1] = (ids[:, 0] + 1) % 8
    by = torch.rand(6, 2)
    with torch.no_grad():
        whole = experts(x, ids, by)
        some = ids.clone()
        some[::2, 1] = 8
        kept = by.clone()
        kept[::2, 1] = 0
        assert torch.equal(experts(x, some, by), experts(x, ids, kept))
        assert torch.equal(experts(x, ids.int(), by), whole)


def test_a_gradient_is_refused(zoo):
    """A model called without no_grad works; asking for a gradient through the experts says why there is none."""
    model = load(zoo, "mixtral", "moe_mlir")
    loss = model(PROMPT, labels=PROMPT).loss
    with pytest.raises(RuntimeError, match="moe_mlir"):
        loss.backward()


def test_copies_of_models(zoo):
    """A copy of a model runs on its own weights, with its experts packed anew or its blocks shared."""
    model, patched = load(zoo, "mixtral", "moe_mlir"), load(zoo, "mixtral")
    before = logits(model)
    moe_mlir.transformers.patch(patched)
    for each in (model, patched):
        twin = copy.deepcopy(each)
        assert torch.equal(logits(twin), logits(each))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.model.layers[0].mlp.experts.down_proj.mul_(2)
    assert not torch.equal(logits(twin), before)
    assert torch.equal(logits(model), before)
    experts = model.model.layers[0].mlp.experts
    again = pickle.loads(pickle.dumps(experts))
    assert again._moe_mlir_cache is None and torch.equal(again.down_proj, experts.down_proj)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(patched.model.layers[0].mlp)


def test_threads_share_the_first_call(zoo):
    model, results = load(zoo, "mixtral", "moe_mlir"), []
    threads = [threading.Thread(target=lambda: results.append(logits(model))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(torch.equal(result, results[0]) for result in results)


def test_graphs(zoo):
    """torch.compile without a break, and torch.export, of a whole model."""
    model, eager = load(zoo, "qwen3_moe", "moe_mlir"), load(zoo, "qwen3_moe")
    with pytest.raises(RuntimeError, match="prepare"), torch.no_grad():
        torch.export.export(copy.deepcopy(model), (PROMPT,), {"use_cache": False}, strict=False)
    moe_mlir.transformers.prepare(model)
    with torch.no_grad():
        program = torch.export.export(model, (PROMPT,), {"use_cache": False}, strict=False)
        kept = [node for node in program.graph.nodes if "moe_mlir" in str(node.target)]
        assert len(kept) == 2
        got = program.module()(PROMPT, use_cache=False).logits
        assert agree(got, logits(eager), torch.float32)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert agree(compiled(PROMPT, use_cache=False).logits, logits(eager), torch.float32)


@pytest.mark.full
def test_graphs_of_replaced_blocks(zoo):
    model = load(zoo, "qwen3_moe")
    expected = logits(model)
    moe_mlir.transformers.patch(model)
    with torch.no_grad():
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert agree(compiled(PROMPT, use_cache=False).logits, expected, torch.float32)
        program = torch.export.export(model, (PROMPT,), {"use_cache": False}, strict=False)
        assert agree(program.module()(PROMPT, use_cache=False).logits, expected, torch.float32)


@pytest.mark.full
def test_the_text_part_of_a_larger_model():
    heads = {"num_attention_heads": 2, "hidden_size": 32}
    text = heads | {"vocab_size": 64, "intermediate_size": 24, "intermediate_size_mlp": 40, "num_hidden_layers": 2}
    text |= {"num_key_value_heads": 1, "head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2}
    text |= {"interleave_moe_layer_step": 1, "pad_token_id": 0}
    vision = heads | {"num_hidden_layers": 1, "intermediate_size": 128, "vision_output_dim": 32, "image_size": 28}
    vision |= {"projector_input_dim": 32, "projector_output_dim": 32, "patch_size": 14}
    model = transformers.Llama4ForConditionalGeneration(
        transformers.Llama4Config(text_config=text, vision_config=vision)
    ).eval()
    torch.manual_seed(5)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    expected = logits(model)
    replaced = moe_mlir.transformers.patch(model)
    assert replaced == [f"language_model.model.layers.{i}.feed_forward" for i in range(2)]
    assert agree(logits(model), expected, torch.float32)
