# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who is measured beside each other, one module a source.

A module has PEERS = {name: Peer}. It may fail to import where its library is missing; compare.py says so and goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Peer:
    """`build(case, weights)` gives a function from rows [T, D] to rows [T, D].

    `bits` is the size of a weight as it is read (None: that of the case's dtype); `tolerance` the relative Frobenius
    error against the fp32 reference above which a result is wrong (None: that of the dtype).
    """

    build: Callable
    supports: Callable = lambda case, tokens: True
    bits: float | None = None
    tolerance: float | None = None
