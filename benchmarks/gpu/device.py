# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers on a GPU from Python: the C ABI of moe/Runtime/Device.h by ctypes, with numpy arrays in the host's memory or
addresses on the device. Needs numpy alone."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p

import numpy as np

F32, BF16, F16, I32 = 1, 2, 3, 4
# bf16 travels as its bits.
NUMPY_TYPES = {F32: np.float32, BF16: np.uint16, F16: np.float16, I32: np.int32}


class OperandDesc(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("rank", c_int64), ("shape", c_int64 * 2), ("dtype", c_int32), ("pad", c_int32)]


class LayerDesc(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("block", c_int64),
        *((field, c_int64) for field in ("experts", "top_k", "model_width", "expert_width")),
        ("inputs", POINTER(OperandDesc)),
        ("num_inputs", c_int64),
        ("outputs", POINTER(OperandDesc)),
        ("num_outputs", c_int64),
        ("variants", c_void_p),
        ("num_variants", c_int64),
    ]


class LoadOptions(ctypes.Structure):
    _fields_ = [
        ("checkpoint", c_char_p),
        ("random_weights", c_int32),
        ("check_digest", c_int32),
        ("seed", c_uint64),
        ("pool", c_void_p),
        ("packed", c_char_p),
        ("verify_packed", c_int32),
        ("reserved", c_int32),
        ("progress", c_void_p),
        ("progress_data", c_void_p),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("rows", c_int64),
        ("cols", c_int64),
        ("stride", c_int64),
        ("dtype", c_int32),
        ("reserved", c_int32),
    ]


class Error(RuntimeError):
    """A call failed: the runtime's line of text, and `status`, the name of its moe_status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Runtime:
    """libmoe_runtime.so."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.moe_last_error.restype = c_char_p
        self.lib.moe_status_name.restype = c_char_p
        self.lib.moe_device_library_layers.restype = c_int64
        self.lib.moe_device_library_chip.restype = c_char_p
        self.lib.moe_device_layer_info.restype = POINTER(LayerDesc)
        for name in ("moe_device_library_close", "moe_device_layer_free", "moe_device_layer_info"):
            getattr(self.lib, name).argtypes = [c_void_p]
        for name in ("moe_device_library_layers", "moe_device_library_chip"):
            getattr(self.lib, name).argtypes = [c_void_p]

    def check(self, status):
        if status:
            name = self.lib.moe_status_name(status).decode()
            raise Error(name, self.lib.moe_last_error().decode())


class Library:
    """Device code: PTX with launch records, and a cubin of the same kernels if there is one."""

    def __init__(self, runtime, ptx, cubin=None, ordinal=0):
        self.runtime = runtime
        self.handle = c_void_p()
        runtime.check(
            runtime.lib.moe_device_library_open(
                ptx.encode(), cubin.encode() if cubin else None, c_int(ordinal), byref(self.handle)
            )
        )
        self.chip = runtime.lib.moe_device_library_chip(self.handle).decode()
        self.layers = runtime.lib.moe_device_library_layers(self.handle)

    def __del__(self):
        if self.handle:
            self.runtime.lib.moe_device_library_close(self.handle)

    def load(self, index, checkpoint=None, seed=None):
        """The layer with its weights on the device: those of a checkpoint, or random ones."""
        options = LoadOptions(checkpoint=checkpoint.encode() if checkpoint else None)
        if seed is not None:
            options.random_weights, options.seed = 1, seed
        handle = c_void_p()
        self.runtime.check(
            self.runtime.lib.moe_device_layer_load(self.handle, c_int64(index), byref(options), byref(handle))
        )
        return Layer(self, handle)


class Operand:
    def __init__(self, desc):
        self.name, self.dtype = desc.name.decode(), desc.dtype
        self.shape = tuple(desc.shape[: desc.rank])

    def tensor(self, data, tokens, stride=None):
        shape = [tokens if size == -1 else size for size in self.shape] + [1]
        return Tensor(data, shape[0], shape[1], stride or shape[1], self.dtype, 0)

    def empty(self, tokens):
        shape = [tokens if size == -1 else size for size in self.shape]
        return np.zeros(shape, NUMPY_TYPES[self.dtype])


class Layer:
    def __init__(self, library, handle):
        self.library, self.runtime, self.handle = library, library.runtime, handle
        desc = self.runtime.lib.moe_device_layer_info(handle).contents
        self.name, self.block = desc.name.decode(), desc.block
        self.inputs = [Operand(desc.inputs[i]) for i in range(desc.num_inputs)]
        self.outputs = [Operand(desc.outputs[i]) for i in range(desc.num_outputs)]

    def __del__(self):
        self.runtime.lib.moe_device_layer_free(self.handle)

    def workspace_size(self, tokens):
        size = c_size_t()
        self.runtime.check(self.runtime.lib.moe_device_layer_workspace_size(self.handle, c_int64(tokens), byref(size)))
        return size.value

    def run(self, tokens, inputs, outputs, workspace, stream=0):
        """Starts the kernels. Inputs and outputs are addresses on the device, the workspace is (address, bytes); rows
        have no gaps."""
        ins = (Tensor * len(self.inputs))(*(o.tensor(a, tokens) for o, a in zip(self.inputs, inputs, strict=True)))
        outs = (Tensor * len(self.outputs))(*(o.tensor(a, tokens) for o, a in zip(self.outputs, outputs, strict=True)))
        self.runtime.check(
            self.runtime.lib.moe_device_layer_run(
                self.handle, ins, outs, c_void_p(workspace[0]), c_size_t(workspace[1]), c_void_p(stream)
            )
        )

    def run_host(self, rows):
        """The outputs by name, for rows [T, D] of the layer's type (bf16 as bits in uint16)."""
        (operand,) = self.inputs
        rows = np.ascontiguousarray(rows, NUMPY_TYPES[operand.dtype])
        tokens = rows.shape[0]
        results = {output.name: output.empty(tokens) for output in self.outputs}
        ins = (Tensor * 1)(operand.tensor(rows.ctypes.data, tokens))
        outs = (Tensor * len(self.outputs))(
            *(output.tensor(results[output.name].ctypes.data, tokens) for output in self.outputs)
        )
        self.runtime.check(self.runtime.lib.moe_device_layer_run_host(self.handle, ins, outs))
        return results


def to_float(array, dtype):
    """float32 of an array as the runtime holds it."""
    return (array.astype(np.uint32) << 16).view(np.float32) if dtype == BF16 else array.astype(np.float32)


def from_float(array, dtype):
    """The nearest values of `dtype`, ties to even."""
    array = np.ascontiguousarray(array, np.float32)
    if dtype != BF16:
        return array.astype(NUMPY_TYPES[dtype])
    bits = array.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
