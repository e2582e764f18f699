# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers from checkpoints, called with arrays of several libraries, against what the original classes computed."""

import copy
import gc
import pickle
import subprocess
import sys
import threading

import jax.numpy as jnp
import ml_dtypes
import moe_mlir
import numpy as np
import pytest
import torch
from safetensors.torch import load_file


@pytest.fixture(scope="module")
def reference(zoo):
    return load_file(zoo / "mixtral/reference.safetensors")


def close(got, expected, share=2e-5):
    got, expected = (np.asarray(torch.as_tensor(a).float()) for a in (got, expected))
    return got.shape == expected.shape and np.abs(got - expected).max(initial=0) <= share * np.abs(expected).max(
        initial=1
    )


@pytest.fixture(scope="module")
def both(zoo):
    return moe_mlir.compile(zoo / "mixtral", layer="all")


@pytest.mark.parametrize("tokens", [1, 7, 33])
@pytest.mark.parametrize("block", [0, 1])
def test_agrees_with_the_original(both, reference, tokens, block):
    layer = both[block]
    x = reference[f"moe{block}.T{tokens}.input"]
    assert close(layer(x), reference[f"moe{block}.T{tokens}.output"])
    experts, weights = layer.route(x)
    assert experts.dtype == torch.int32
    order = experts.argsort(dim=1)
    assert torch.equal(experts.gather(1, order), reference[f"moe{block}.T{tokens}.experts"])
    assert close(weights.gather(1, order), reference[f"moe{block}.T{tokens}.weights"])
    assert close(layer.run(x)["logits"], reference[f"moe{block}.T{tokens}.logits"])


def test_says_what_it_is(layer):
    assert (layer.name, layer.block, layer.experts, layer.top_k) == ("moe0", 0, 8, 2)
    assert (layer.model_width, layer.expert_width, layer.dtype) == (64, 80, "float32")
    assert [operand.name for operand in layer.outputs] == ["output", "logits", "experts", "weights"]
    assert layer.outputs[2] == moe_mlir.Operand("experts", (-1, 2), "int32")
    assert "E=8 K=2" in repr(layer)


def test_numpy_gives_numpy(layer, reference):
    x = reference["moe0.T7.input"].numpy()
    y = layer(x)
    assert type(y) is np.ndarray and y.dtype == np.float32
    assert close(y, reference["moe0.T7.output"])
    x.flags.writeable = False
    assert np.array_equal(layer(x), y)
    experts, weights = layer.route(x)
    assert experts.dtype == np.int32 and weights.shape == (7, 2)


def test_jax_gives_jax(layer, half, reference):
    x = jnp.asarray(reference["moe0.T7.input"].numpy())
    y = layer(x)
    assert isinstance(y, type(x)) and close(np.array(y), reference["moe0.T7.output"])
    y = half(x.astype(jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    assert close(np.array(y.astype(jnp.float32)), reference["moe0.T7.output"], 0.03)


def test_formats_of_16_bits(zoo, half, reference):
    for layer in (half, moe_mlir.compile(zoo / "mixtral", layer=0, dtype=torch.float16)):
        dtype = getattr(torch, layer.dtype)
        y = layer(reference["moe0.T7.input"].to(dtype))
        assert y.dtype == dtype
        assert close(y, reference["moe0.T7.output"], 0.03)


def test_spellings_of_formats():
    of = moe_mlir._arguments.format_name
    for kind in (torch.bfloat16, jnp.bfloat16, ml_dtypes.bfloat16, np.dtype(ml_dtypes.bfloat16), "bfloat16", "bf16"):
        assert of(kind) == "bf16"
    assert [of(np.float32), of(torch.float16), of("int4:g32"), of(None)] == ["f32", "f16", "int4:g32", None]


def test_numpy_bfloat16(half, reference):
    x = reference["moe0.T7.input"]
    y = half(x.numpy().astype(ml_dtypes.bfloat16))
    assert y.dtype == ml_dtypes.bfloat16
    assert np.array_equal(y.astype(np.float32), half(x.bfloat16()).float().numpy())


def test_reads_rows_where_they_are(layer, reference):
    x = reference["moe0.T33.input"]
    y = layer(x)
    wide = torch.full((33, 100), float("nan"))
    wide[:, 20:84] = x
    assert torch.equal(layer(wide[:, 20:84]), y)
    assert torch.equal(layer(x[::3]), y[::3])
    assert np.array_equal(layer(wide.numpy()[:, 20:84]), y.numpy())
    assert torch.equal(layer(x.reshape(3, 11, 64)), y.reshape(3, 11, 64))
    assert np.array_equal(layer(x.numpy().reshape(3, 11, 64)), y.numpy().reshape(3, 11, 64))
    assert torch.equal(layer(x[0]), y[0])
    for other in (x.t().contiguous().t(), x[:1].expand(5, 64), x.view(-1).as_strided((9, 64), (10, 1))):
        with pytest.raises(ValueError, match="contiguous"):
            layer(other)
        with pytest.raises(ValueError, match="contiguous"):
            layer(other.numpy())
    with pytest.raises(ValueError, match="negated"):
        layer(torch._neg_view(x))


@pytest.mark.parametrize("leading", [(0,), (0, 5), (2, 0)])
def test_no_rows(layer, leading):
    assert layer(torch.empty(*leading, 64)).shape == (*leading, 64)
    assert layer(np.empty((*leading, 64), np.float32)).shape == (*leading, 64)
    assert layer.route(torch.empty(*leading, 64))[0].shape == (*leading, 2)


def test_wrong_arguments(layer):
    with pytest.raises(TypeError, match="float64"):
        layer(torch.zeros(2, 64, dtype=torch.float64))
    with pytest.raises(TypeError, match="expected float32, got bfloat16"):
        layer(torch.zeros(2, 64, dtype=torch.bfloat16))
    with pytest.raises(ValueError, match="expected rows of 64 elements, got 63"):
        layer(torch.zeros(2, 63))
    with pytest.raises(TypeError, match="__dlpack__"):
        layer([1.0, 2.0])
    for inputs in ((), (torch.zeros(2, 64), torch.zeros(2, 64))):
        for call in (layer, layer.route, layer.run):
            with pytest.raises(TypeError, match=f"expected 1 inputs, got {len(inputs)}"):
                call(*inputs)
    with pytest.raises(TypeError, match="host"):
        layer(torch.zeros(2, 64, device="meta"))
    with pytest.raises(ValueError, match="number"):
        layer(torch.zeros(()))


def test_ir_and_report(layer):
    assert "moe.route" in layer.ir() and "moe.route" in layer.ir("model")
    assert "moe.grouped_matmul" in layer.ir("grouped")
    assert "llvm.func" in layer.ir("target")
    with pytest.raises(moe_mlir.CompileError, match="expected the stage model, grouped"):
        layer.ir("soup")
    report = layer.report()
    assert "moe0: block 0, E = 8, K = 2" in report
    assert "moe-fuse-router: mixtral: fused: projection and selection" in report
    assert "moe-select-all: mixtral: not folded, because not every expert is selected" in report


def test_describe(zoo):
    model = moe_mlir.describe(zoo / "olmoe")
    assert (model.model_type, model.dtype, len(model.blocks)) == ("olmoe", "f32", 2)
    assert model.blocks[1].index == 1 and model.blocks[1].experts > model.blocks[1].top_k > 0
    assert model.blocks[0].weights[0].role == "router"
    assert "router" in str(model)
    assert "mixtral" in moe_mlir.list_architectures()


def test_compile_errors(zoo, tmp_path):
    with pytest.raises(moe_mlir.CompileError, match="cannot be read"):
        moe_mlir.compile(tmp_path / "nothing")
    with pytest.raises(moe_mlir.CompileError, match="^<ir>:2:1: "):
        moe_mlir.compile("\nnonsense\n")
    with pytest.raises(ValueError, match="expected one of 0, 1, got none"):
        moe_mlir.compile(zoo / "mixtral")
    with pytest.raises(moe_mlir.CompileError, match="no MoE block 7; the model has 2"):
        moe_mlir.compile(zoo / "mixtral", layer=7)
    with pytest.raises(moe_mlir.CompileError, match="target"):
        moe_mlir.compile(zoo / "mixtral", layer=0, target="tpu")
    with pytest.raises(moe_mlir.CompileError, match="^dtype: expected"):
        moe_mlir.compile(zoo / "mixtral", layer=0, dtype="int3")
    with pytest.raises(moe_mlir.CompileError, match="^cpu: expected"):
        moe_mlir.compile(zoo / "mixtral", layer=0, cpu="z80")
    with pytest.raises(ValueError, match="random_weights: expected a seed"):
        moe_mlir.compile(zoo / "mixtral", layer=0, random_weights=-1)
    with pytest.raises(ValueError, match="example: expected none"):
        moe_mlir.compile(zoo / "mixtral", layer=0, example=torch.zeros(2, 64))
    with pytest.raises(ValueError, match="packed: expected none"):
        moe_mlir.compile(torch.nn.Linear(4, 4), packed="file")
    for wrong in (-1, True, 1024, [0], "0", 1.0):
        with pytest.raises(ValueError, match=r"mixtral: layer: expected .* got"):
            moe_mlir.compile(zoo / "mixtral", layer=wrong)
    for name in ("checkpoint", "packed", "random_weights"):
        with pytest.raises(ValueError, match=f"{name}: expected none, because weights are given"):
            moe_mlir.compile(zoo / "mixtral", layer=0, weights={}, **{name: 1})
    with pytest.raises(TypeError, match="weights: expected arrays by the names"):
        moe_mlir.compile(zoo / "mixtral", layer=0, weights=[1])
    with pytest.raises(ValueError, match="null"):
        moe_mlir.compile("a\0b")
    with pytest.raises(moe_mlir.CompileError, match="expected a checkpoint folder"):
        moe_mlir.describe(tmp_path / "x.mlir")
    assert issubclass(moe_mlir.CompileError, moe_mlir.Error) and issubclass(moe_mlir.Error, RuntimeError)


def test_weights_in_memory(zoo, layer, reference):
    weights = load_file(zoo / "mixtral/model.safetensors")
    x = reference["moe0.T7.input"]
    other = moe_mlir.compile(zoo / "mixtral/config.json", layer=0, weights=weights)
    assert torch.equal(other(x), layer(x))
    name = "model.layers.0.block_sparse_moe.experts.3.w1.weight"
    with pytest.raises(TypeError, match="experts.3.w1.weight: expected an array that has __dlpack__"):
        moe_mlir.compile(zoo / "mixtral/config.json", layer=0, weights=weights | {name: [1.0]})


@pytest.mark.full
def test_weights_in_memory_of_each_library(zoo, layer, reference):
    weights = load_file(zoo / "mixtral/model.safetensors")
    x = reference["moe0.T7.input"]
    arrays = {name: value.numpy() for name, value in weights.items()}
    assert torch.equal(moe_mlir.compile(zoo / "mixtral/config.json", layer=0, weights=arrays)(x), layer(x))
    rounded = {name: value.to(torch.bfloat16) for name, value in weights.items()}
    of_numpy = {name: value.float().numpy().astype(ml_dtypes.bfloat16) for name, value in rounded.items()}
    config = zoo / "mixtral/config.json"
    assert torch.equal(*(moe_mlir.compile(config, layer=0, weights=w)(x) for w in (rounded, of_numpy)))
    name = "model.layers.0.block_sparse_moe.experts.3.w1.weight"
    with pytest.raises(moe_mlir.Error, match="tensors in memory.*experts.3.w1"):
        moe_mlir.compile(zoo / "mixtral/config.json", layer=0, weights={k: v for k, v in weights.items() if k != name})
    with pytest.raises(moe_mlir.Error, match="expected shape"):
        moe_mlir.compile(zoo / "mixtral/config.json", layer=0, weights=weights | {name: weights[name].t()})


@pytest.mark.parametrize("in_memory", [False, pytest.param(True, marks=pytest.mark.full)])
def test_progress(zoo, in_memory):
    weights, calls = load_file(zoo / "mixtral/model.safetensors") if in_memory else None, []
    config = zoo / "mixtral/config.json" if in_memory else zoo / "mixtral"
    moe_mlir.compile(config, layer=0, weights=weights, progress=lambda *call: calls.append(call))
    done, totals = zip(*calls, strict=True)
    assert list(done) == sorted(done) and done[-1] == totals[0] > 0 and len(set(totals)) == 1

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moe_mlir.compile(config, layer=0, weights=weights, progress=stop)


def test_random_weights_and_reference(zoo):
    config = zoo / "qwen3_moe/config.json"
    x = torch.randn(5, moe_mlir.describe(config).blocks[0].model_width)
    y = moe_mlir.compile(config, layer=0, random_weights=3)(x)
    assert close(moe_mlir.compile(config, layer=0, random_weights=3, reference=True)(x), y)
    assert not close(moe_mlir.compile(config, layer=0, random_weights=4)(x), y, 0.01)


def test_all_layers_share_one_library(both, layer, reference):
    assert [each.block for each in both] == [0, 1]
    x = reference["moe0.T7.input"]
    assert torch.equal(both[0](x), layer(x))
    assert "@moe1" in both[1].ir() and "@moe0" not in both[1].ir()


def test_library_file(zoo, layer, reference, tmp_path):
    file = tmp_path / "mixtral.so"
    moe_mlir.write_library(zoo / "mixtral", file)
    assert file.with_suffix(".h").exists()
    loaded = moe_mlir.load(file, layer=0)
    x = reference["moe0.T7.input"]
    assert torch.equal(loaded(x), layer(x))
    assert "moe0: block 0" in loaded.report()
    with pytest.raises(ValueError, match="no IR"):
        loaded.ir()
    packed = tmp_path / "packed"
    written, mapped = (moe_mlir.load(file, layer=1, packed=packed) for _ in range(2))
    assert torch.equal(written(x), mapped(x))
    assert (loaded.packed, written.packed, mapped.packed) == ("none", "written", "mapped")
    with pytest.raises(moe_mlir.Error, match="cannot be opened|can be read"):
        moe_mlir.load(tmp_path / "nothing.so")
    with pytest.raises(ValueError, match="expected one of 0, 1, got 5"):
        moe_mlir.load(file, layer=5)


def test_int8(zoo, layer, reference):
    x = reference["moe0.T33.input"]
    assert close(moe_mlir.compile(zoo / "mixtral", layer=0, dtype="int8")(x), layer(x), 0.05)


def test_threads_call_one_layer(layer, reference):
    x = reference["moe0.T33.input"]
    expected, wrong = layer(x), []

    def work():
        for _ in range(200):
            if not torch.equal(layer(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_gil_is_released(layer):
    """A thread that wakes up now and then does so while another is inside one long call."""
    x = torch.randn(60000, 64)
    stop, counts = threading.Event(), [0]

    def count():
        while not stop.wait(0.001):
            counts[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = counts[0]
    layer(x)
    during = counts[0] - before
    stop.set()
    thread.join()
    assert during > 1


def test_layer_outlives_its_maker(zoo, reference):
    library = moe_mlir.compile(zoo / "mixtral/config.json", layer=0, random_weights=0)._library
    one = moe_mlir._compile.load_layer(library, 0, load_file(zoo / "mixtral/model.safetensors"), {})
    del library
    gc.collect()
    assert close(one(reference["moe0.T7.input"]), reference["moe0.T7.output"])


def test_copies_share_the_layer_and_pickles_are_refused(layer):
    assert copy.deepcopy([layer])[0] is layer and copy.copy(layer) is layer
    with pytest.raises(TypeError, match="compile or load it again there"):
        pickle.dumps(layer)


def test_number_of_threads_changes_nothing(zoo, layer, reference):
    x = reference["moe0.T33.input"]
    before = moe_mlir.num_threads()
    moe_mlir.set_num_threads(1)
    try:
        assert moe_mlir.num_threads() == 1
        assert torch.equal(moe_mlir.compile(zoo / "mixtral", layer=0)(x), layer(x))
    finally:
        moe_mlir.set_num_threads(before)


def test_missing_llvm_is_explained(tmp_path):
    code = f"import os; os.environ['MOE_LLVM_LIB_DIR'] = {str(tmp_path)!r}; import moe_mlir"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "install Debian's libmlir-22-dev, or set MOE_LLVM_LIB_DIR" in result.stderr


def test_needs_no_other_package(zoo):
    """Describing and compiling import neither NumPy nor PyTorch."""
    code = (
        "import sys, moe_mlir; l = moe_mlir.compile(sys.argv[1], layer=0); moe_mlir.describe(sys.argv[1]); "
        "assert not {'numpy', 'torch', 'jax', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(zoo / "mixtral")], check=True)
