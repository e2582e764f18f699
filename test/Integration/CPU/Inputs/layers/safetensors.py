# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors in files, and bf16 in NumPy."""

import json
import struct
from pathlib import Path

import numpy as np


def bf16_bits(values):
    """To the nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def bf16(values):
    return (bf16_bits(values).astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(np.shape(values))


def write(path, tensors):
    """Of {name: (array, "f32" or "bf16")}."""
    header, parts, offset = {}, [], 0
    for name, (array, dtype) in tensors.items():
        data = (bf16_bits(array) if dtype == "bf16" else np.ascontiguousarray(array, np.float32)).tobytes()
        header[name] = {
            "dtype": dtype.upper(),
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        parts.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        dtype = {"F32": np.float32, "I32": np.int32, "BF16": np.uint16}[entry["dtype"]]
        array = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            array = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
        tensors[name] = array
    return tensors
