# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers in compiled functions of JAX, on the CPU.

    layer = moe_mlir.compile(folder, layer=0)
    block = jax.jit(lambda x: x + moe_mlir.jax.call(layer, x))

Outside of jit, `layer(x)` takes JAX's arrays as it takes others. The target of JAX's foreign function interface is
compiled when it is first needed, for the jaxlib that is installed, by clang++-22, c++ or what CXX names.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib

from moe_mlir._layer import Layer

TARGET = "moe_mlir_layer"
_kept: dict[int, Layer] = {}  # compiled functions have their layers' addresses


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "moe_mlir"


def _build(source: Path) -> Path:
    """The target as a library in the user's cache, made where it is not there yet."""
    package = source.parent
    key = hashlib.sha256(f"{jaxlib.__version__} {package}".encode() + source.read_bytes()).hexdigest()[:16]
    library = _cache_folder() / f"jax-{key}.so"
    if library.exists():
        return library
    names = filter(None, [os.environ.get("CXX"), "clang++-22", "c++"])
    compiler = next(filter(None, map(shutil.which, names)), None)
    if compiler is None:
        raise RuntimeError("moe_mlir.jax: expected a C++ compiler (CXX, clang++-22 or c++), got none; install one")
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        command = [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-w", f"-I{jax.ffi.include_dir()}"]
        command += [f"-I{package}/include", str(source), "-o", str(made)]
        command += [f"-L{package}/lib", "-lmoe_runtime", f"-Wl,-rpath,{package}/lib"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            first = (result.stderr.strip().splitlines() or ["no message"])[0]
            raise RuntimeError(f"moe_mlir.jax: {compiler} failed: {first}")
        made.replace(library)
    return library


@functools.cache
def register() -> None:
    """Makes the target known to JAX; done by the first `call`."""
    library = ctypes.CDLL(str(_build(Path(__file__).with_name("_jax_ffi.cpp"))))
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(library.moe_mlir_jax_layer), platform="cpu")


def call(layer: Layer, *inputs: jax.Array) -> jax.Array:
    """The layer's output for rows [..., D], in jit, vmap and other transformations but gradients.

    A layer that was called so lives as long as the process. Raises ValueError or TypeError for inputs of another width
    or format.
    """
    register()
    inputs = tuple(map(jnp.asarray, inputs))
    if len(inputs) != len(layer.inputs):
        raise TypeError(f"{layer.name}: expected {len(layer.inputs)} inputs, got {len(inputs)}")
    for x, operand in zip(inputs, layer.inputs, strict=True):
        if x.dtype.name != operand.dtype:
            raise TypeError(f"{layer.name}: {operand.name}: expected {operand.dtype}, got {x.dtype.name}")
        if x.ndim < 1 or x.shape[-1] != operand.shape[-1]:
            raise ValueError(f"{layer.name}: {operand.name}: expected rows of {operand.shape[-1]}, got {x.shape}")
    _kept[layer.number] = layer
    output = layer.outputs[0]
    result = jax.ShapeDtypeStruct((*inputs[0].shape[:-1], output.shape[-1]), jnp.dtype(output.dtype))
    run = jax.ffi.ffi_call(TARGET, result, vmap_method="broadcast_all")
    return run(*inputs, layer=jnp_int64(layer._handle.address), pool=jnp_int64(layer._handle.pool_address))


def jnp_int64(value: int):
    """An attribute of 64 bits, whatever JAX's default is."""
    import numpy

    return numpy.int64(value)
