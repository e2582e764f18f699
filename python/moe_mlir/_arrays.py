# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How arrays of each library become rows of memory, and results become arrays of the same library.

An adapter has `rows(array)`, which is (address, rows, columns, stride, dtype) of the runtime and copies nothing, and
`empty(like, shape, dtype)`, which is a new array of the library of `like`, and its rows.
"""

import math
import sys

from moe_mlir._extension import _moe

NAMES = {_moe.F32: "float32", _moe.BF16: "bfloat16", _moe.F16: "float16", _moe.I32: "int32", _moe.I64: "int64"}
CODES = {name: code for code, name in NAMES.items()}


class TorchAdapter:
    """Tensors of PyTorch in the host's memory."""

    def __init__(self):
        import torch

        self.torch = torch
        self.codes = {getattr(torch, name): code for name, code in CODES.items()}
        self.dtypes = {code: dtype for dtype, code in self.codes.items()}

    def rows(self, x):
        code = self.codes.get(x.dtype)
        if code is None:
            raise TypeError(f"expected float32, bfloat16 or float16, got {x.dtype}")
        if x.device.type != "cpu":
            raise TypeError(f"expected a tensor in the host's memory, got one on {x.device}; this layer is for cpu")
        shape, strides = x.shape, x.stride()
        if not shape:
            raise ValueError("expected rows, got a number")
        cols = shape[-1]
        if x.is_neg():  # a view whose elements are negated when they are read
            raise ValueError("expected plain memory, got a negated view; call resolve_neg()")
        if len(shape) == 2 and (strides[1] == 1 or cols == 1) and (strides[0] >= cols or shape[0] <= 1):
            return x.data_ptr(), shape[0], cols, max(strides[0], cols), code
        if x.is_contiguous():
            return x.data_ptr(), math.prod(shape[:-1]), cols, cols, code
        return _moe.rows(x.detach())

    def empty(self, like, shape, code):
        out = self.torch.empty(shape, dtype=self.dtypes[code])
        cols = shape[-1]
        return out, (out.data_ptr(), math.prod(shape[:-1]), cols, cols, code)


class NumpyAdapter:
    """Arrays of NumPy, bfloat16 being that of ml_dtypes."""

    def __init__(self):
        import numpy

        self.numpy = numpy

    def rows(self, x):
        code = CODES.get(x.dtype.name)
        if code is None or not x.dtype.isnative:
            raise TypeError(f"expected float32, float16 or bfloat16, got {x.dtype}")
        if x.dtype.name == "bfloat16":  # NumPy's DLPack does not know it
            address, rows, cols, stride, _ = self.rows(x.view(self.numpy.float16))
            return address, rows, cols, stride, code
        return _moe.rows(x)

    def empty(self, like, shape, code):
        if code == _moe.BF16:
            dtype = like.dtype if like.dtype.name == "bfloat16" else self._bfloat16()
        else:
            dtype = NAMES[code]
        out = self.numpy.empty(shape, dtype=dtype)
        cols = shape[-1]
        return out, (out.ctypes.data, math.prod(shape[:-1]), cols, cols, code)

    def _bfloat16(self):
        import ml_dtypes

        return ml_dtypes.bfloat16


class DlpackAdapter:
    """Arrays of any library that has `__dlpack__` and the array API's namespace, such as JAX."""

    def rows(self, x):
        return _moe.rows(x)

    def empty(self, like, shape, code):
        memory = _moe.empty(list(shape), code)
        return memory, _moe.rows(memory)

    def finish(self, like, memory):
        """The memory as an array of the library of `like`, without a copy where the library takes it so."""
        return like.__array_namespace__().from_dlpack(memory)


_adapters: dict = {}


def adapter_of(x):
    """The adapter for the type of `x`; a TypeError when there is none."""
    kind = type(x)
    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = _find(x)
    return adapter


def _find(x):
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(x, torch.Tensor):
        return TorchAdapter()
    if numpy is not None and isinstance(x, numpy.ndarray):
        return NumpyAdapter()
    if hasattr(x, "__dlpack__") and hasattr(x, "__array_namespace__"):
        return DlpackAdapter()
    raise TypeError(f"expected an array that has __dlpack__, such as one of NumPy, PyTorch or JAX, got {type(x)}")


def contiguous(x):
    """`x` with dense elements, copied only where it is not so, and detached from its library's bookkeeping; with its
    moe_dtype where DLPack does not know it."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return x.detach().resolve_neg().contiguous()
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(x, numpy.ndarray):
        x = numpy.ascontiguousarray(x)
        return (x.view(numpy.float16), _moe.BF16) if x.dtype.name == "bfloat16" else x
    return x
