# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the checkpoint of test/Unit/Runtime/PlainLayer.c: expert e holds 100 e + 1, 100 e + 2, ... as [5, 3]."""

import json
import struct
import sys

header, data = {}, b""
for expert in range(2):
    values = struct.pack("<15f", *(100 * expert + i + 1 for i in range(15)))
    name = f"experts.{expert}.weight"
    header[name] = {"dtype": "F32", "shape": [5, 3], "data_offsets": [len(data), len(data) + len(values)]}
    data += values
text = json.dumps(header).encode()
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
