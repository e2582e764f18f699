# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call through Python costs at T = 1, in microseconds, beside the bare call of the runtime.

usage: overhead.py CHECKPOINT      a tiny one, such as test/zoo/mixtral: its kernel takes next to no time
"""

import argparse
import time
import warnings

import moe_mlir
import moe_mlir.torch
import moe_mlir.transformers
import torch
import transformers


def fastest(call, count=20000, rounds=5):
    """Microseconds a call, the best of some rounds."""
    for _ in range(count // 10):
        call()
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        best = min(best, (time.perf_counter() - begin) / count * 1e6)
    return best


def jax_array(rows):
    try:
        import jax.numpy as jnp
    except ImportError:
        return None
    return jnp.asarray(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_grad_enabled(False)
    layer = moe_mlir.compile(args.checkpoint, layer=0)
    x = torch.randn(1, layer.model_width)
    out = torch.empty_like(x)
    bare = (x.data_ptr(), 1, layer.model_width, out.data_ptr())
    base = fastest(lambda: layer._handle.run_rows(*bare))
    rows, of_jax = x.numpy(), jax_array(x.numpy())
    calls = {
        "layer(x), PyTorch": lambda: layer(x),
        "layer(x), NumPy": lambda: layer(rows),
        "layer.route(x), PyTorch": lambda: layer.route(x),
        "torch.ops.moe_mlir.layer": lambda: torch.ops.moe_mlir.layer([x], layer.number),
    }
    if of_jax is not None:
        calls["layer(x), JAX"] = lambda: layer(of_jax)
    model = transformers.AutoModelForCausalLM.from_pretrained(args.checkpoint, experts_implementation="moe_mlir")
    experts = next(m for m in model.modules() if hasattr(m, "has_gate"))
    count = layer.top_k
    ids, weights = torch.arange(count)[None], torch.rand(1, count)
    calls["experts of transformers"] = lambda: experts(x, ids, weights)
    print(f"bare call of the runtime: {base:.1f}")
    for name, call in calls.items():
        value = fastest(call, 3000 if "JAX" in name else 20000)
        print(f"{name}: {value:.1f}, {value - base:.1f} more")


if __name__ == "__main__":
    main()
