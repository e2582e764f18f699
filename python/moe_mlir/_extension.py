# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Imports the compiled part, and says what to install when the shared libraries of LLVM are missing."""

import ctypes
import importlib
import os
from pathlib import Path

LLVM = "22.1"
LIBRARIES = (f"libLLVM.so.{LLVM}", f"libMLIR.so.{LLVM}")
FOLDER_VARIABLE = "MOE_LLVM_LIB_DIR"


def _load_libraries(folder):
    """Loads LLVM from a folder that the loader does not know; later libraries find it by its name."""
    for name in LIBRARIES:
        ctypes.CDLL(str(Path(folder) / name), mode=ctypes.RTLD_GLOBAL)


def _import():
    folder = os.environ.get(FOLDER_VARIABLE)
    try:
        if folder:
            _load_libraries(folder)
        return importlib.import_module("moe_mlir._moe")
    except (ImportError, OSError) as error:
        if not any(name in str(error) for name in LIBRARIES):
            raise
        raise ImportError(
            f"moe_mlir needs the shared libraries of LLVM and MLIR {LLVM} ({', '.join(LIBRARIES)}): {error}; install "
            f"Debian's libmlir-22-dev, or set {FOLDER_VARIABLE} to the folder that has them"
        ) from error


_moe = _import()
