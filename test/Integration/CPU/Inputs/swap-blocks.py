# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies a safetensors file with the names of blocks 0 and 1 exchanged: swap-blocks.py IN OUT."""

import sys
from pathlib import Path

data = Path(sys.argv[1]).read_bytes()
swapped = data.replace(b'"moe0.', b'"moe?.').replace(b'"moe1.', b'"moe0.').replace(b'"moe?.', b'"moe1.')
Path(sys.argv[2]).write_bytes(swapped)
