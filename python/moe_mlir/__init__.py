# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""moe-mlir: compiles mixture-of-experts layers for their expert count and top-K, and runs them.

    layer = moe_mlir.compile("path/to/checkpoint", layer=0)
    y = layer(x)                      # x: [T, D] of PyTorch, NumPy, JAX, ...
    experts, weights = layer.route(x)
    print(layer.ir("grouped"), layer.report())

`import moe_mlir.transformers` adds the experts implementation "moe_mlir" to transformers; docs/python.md has the rest.
"""

from moe_mlir._compile import compile, load, write_library  # noqa: A004
from moe_mlir._description import Block, Description, Weight, describe, list_architectures
from moe_mlir._extension import _moe
from moe_mlir._layer import Layer, Operand
from moe_mlir._threads import num_threads, set_num_threads

Error = _moe.Error
CompileError = _moe.CompileError

__version__ = "0.1.0"
__all__ = [
    "Block",
    "CompileError",
    "Description",
    "Error",
    "Layer",
    "Operand",
    "Weight",
    "compile",
    "describe",
    "list_architectures",
    "load",
    "num_threads",
    "set_num_threads",
    "write_library",
]
