# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Opens device code: open_device.py RUNTIME.so CODE.ptx. Prints its chip, or the status and the text of the error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks" / "gpu"))
from device import Error, Library, Runtime  # noqa: E402

try:
    print(Library(Runtime(sys.argv[1]), sys.argv[2]).chip)
except Error as error:
    sys.exit(f"{error.status}: {error}")
