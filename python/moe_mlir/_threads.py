# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The threads that layers run on: one pool for the process, made when the first layer is loaded."""

import operator
import threading

from moe_mlir._extension import _moe

_lock = threading.Lock()
_pool = None


def get_pool():
    """The pool that new layers get."""
    global _pool  # noqa: PLW0603
    with _lock:
        if _pool is None:
            _pool = _moe.Pool(0)
        return _pool


def set_num_threads(threads: int) -> None:
    """Layers loaded from now on run on `threads` threads, the calling one among them; 0 is one for each CPU.

    Results do not depend on the number of threads. Layers that are loaded already keep theirs.
    """
    global _pool  # noqa: PLW0603
    pool = _moe.Pool(max(-1, min(operator.index(threads), 2**31 - 1)))
    with _lock:
        _pool = pool


def num_threads() -> int:
    """How many threads new layers run on."""
    return get_pool().threads
