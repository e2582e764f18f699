# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls compiled layers in this process through the C ABI: `Library(path, checkpoint).run(block, inputs)`."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p

import numpy as np

F32, BF16, F16, I32 = 1, 2, 3, 4
STORED = {F32: np.float32, BF16: np.uint16, F16: np.float16, I32: np.int32}


class Operand(ctypes.Structure):
    _fields_ = (("name", c_char_p), ("rank", c_int64), ("shape", c_int64 * 2), ("dtype", c_int32), ("unused", c_int32))


class LayerDesc(ctypes.Structure):
    _fields_ = (("name", c_char_p), *((name, c_int64) for name in ("block", "experts", "top_k", "width", "inner")),
                ("inputs", POINTER(Operand)), ("num_inputs", c_int64), ("outputs", POINTER(Operand)),
                ("num_outputs", c_int64), ("variants", c_void_p), ("num_variants", c_int64))  # fmt: skip


class LibraryDesc(ctypes.Structure):
    _fields_ = (("abi_version", c_int64), *((name, c_char_p) for name in ("compiler", "model_type", "checkpoint")),
                ("digest", c_char_p), ("layers", POINTER(LayerDesc)), ("num_layers", c_int64))  # fmt: skip


class LoadOptions(ctypes.Structure):
    _fields_ = (("checkpoint", c_char_p), ("random_weights", c_int32), ("check_digest", c_int32), ("seed", c_uint64),
                ("pool", c_void_p), ("packed", c_char_p), ("verify_packed", c_int32), ("reserved", c_int32),
                ("progress", c_void_p), ("progress_data", c_void_p))  # fmt: skip


class Tensor(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("rows", c_int64), ("cols", c_int64), ("stride", c_int64), ("dtype", c_int32),
                ("unused", c_int32))  # fmt: skip


def bf16_bits(values):
    """To the nearest, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint16)


def widened(array, dtype):
    return (array.astype(np.uint32) << 16).view(np.float32) if dtype == BF16 else array


class RuntimeFailure(Exception):
    """What moe_last_error says."""


class Runtime:
    """libmoe_runtime.so, and a pool of threads: 0 for all there are, 1 for this one."""

    def __init__(self, path, threads=0):
        self.lib = ctypes.CDLL(str(path))
        self.lib.moe_last_error.restype = c_char_p
        self.lib.moe_library_info.restype = POINTER(LibraryDesc)
        self.lib.moe_library_info.argtypes = self.lib.moe_layer_free.argtypes = [c_void_p]
        self.lib.moe_library_close.argtypes = [c_void_p]
        self.lib.moe_layer_load.argtypes = [c_void_p, c_int64, POINTER(LoadOptions), POINTER(c_void_p)]
        self.lib.moe_layer_workspace_size.argtypes = [c_void_p, c_int64, POINTER(c_size_t)]
        self.lib.moe_layer_run.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p]
        self.pool = c_void_p()
        self.check(self.lib.moe_pool_create(threads, byref(self.pool)))

    def check(self, status):
        if status:
            raise RuntimeFailure(self.lib.moe_last_error().decode())


class Library:
    """A compiled library with the weights of a checkpoint, or random ones."""

    def __init__(self, runtime, path, checkpoint=None, seed=0):
        self.runtime, self.handle, self.layers = runtime, c_void_p(), {}
        runtime.check(runtime.lib.moe_library_open(str(path).encode(), byref(self.handle)))
        folder = None if checkpoint is None else str(checkpoint).encode()
        options = LoadOptions(folder, checkpoint is None, 0, seed, runtime.pool)
        desc = runtime.lib.moe_library_info(self.handle).contents
        for i in range(desc.num_layers):
            layer = c_void_p()
            runtime.check(runtime.lib.moe_layer_load(self.handle, i, byref(options), byref(layer)))
            self.layers[desc.layers[i].block] = (layer, desc.layers[i])

    def run(self, block, inputs):
        """Outputs by name, bf16 as f32; inputs are f32 arrays in the order of the layer's inputs."""
        layer, desc = self.layers[block]
        given, tensors = [], (Tensor * desc.num_inputs)()
        for i, array in enumerate(inputs):
            dtype = desc.inputs[i].dtype
            given.append(bf16_bits(array) if dtype == BF16 else np.ascontiguousarray(array, STORED[dtype]))
            tensors[i] = Tensor(given[-1].ctypes.data, *array.shape, array.shape[1], dtype, 0)
        made, outputs = {}, (Tensor * desc.num_outputs)()
        for i in range(desc.num_outputs):
            out = desc.outputs[i]
            shape = (len(inputs[0]) if out.shape[0] < 0 else out.shape[0], out.shape[1])
            # What is not written shows.
            array = np.frombuffer(bytearray(b"\xa5" * (np.dtype(STORED[out.dtype]).itemsize * shape[0] * shape[1])),
                                  STORED[out.dtype]).reshape(shape)  # fmt: skip
            made[out.name.decode()] = (array, out.dtype)
            outputs[i] = Tensor(array.ctypes.data, *shape, shape[1], out.dtype, 0)
        self.runtime.check(self.runtime.lib.moe_layer_run(layer, tensors, outputs, None, 0, self.runtime.pool))
        return {name: widened(array, dtype) for name, (array, dtype) in made.items()}

    def workspace(self, block, tokens):
        """Bytes, or None where the runtime refuses the number of tokens."""
        size = c_size_t()
        status = self.runtime.lib.moe_layer_workspace_size(self.layers[block][0], c_int64(tokens), byref(size))
        return None if status else size.value

    def random_inputs(self, block, tokens, seed):
        """Rows of independent numbers for a layer of one input."""
        _, desc = self.layers[block]
        numbers = np.random.default_rng([seed, block, tokens])
        return [numbers.standard_normal((tokens, desc.inputs[i].shape[1])).astype(np.float32)
                for i in range(desc.num_inputs)]  # fmt: skip

    def close(self):
        for layer, _ in self.layers.values():
            self.runtime.lib.moe_layer_free(layer)
        self.runtime.lib.moe_library_close(self.handle)
