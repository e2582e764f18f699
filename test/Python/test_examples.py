# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples of docs/examples/python run and say what they promise."""

import re
import runpy
import sys

import pytest

PROMISES = {
    "compile_checkpoint.py": [
        r"model       mixtral, 2 MoE blocks",
        r"row 1 goes to expert \d with 0\.\d+, expert \d with 0\.\d+",
        r"moe\.route .* select #moe\.top_k<2>",
        r"moe\.grouped_matmul",
        r"moe-fuse-router: mixtral: fused",
        r"naive lowering: [\d.]+e-0[678]",
        r"with int8 weights: 0\.0\d+ of",
    ],
    "speed_up_transformers.py": [
        r"experts compiled: .* the same tokens: True",
        r"replaced: \['model\.layers\.0\.mlp'",
        r"blocks compiled: .* the same tokens: True",
        r"in a graph, the same: True",
        r"E=8 K=2 D=32 F=48 .* largest difference: [\d.]+e-0[678]",
    ],
    "own_router.py": [
        r"E=6 K=2 D=16 F=24",
        r"the same experts: True",
        r"largest difference: [\d.]+e-0[678]",
        r"error: <ir>:13:\d+: .*expect",
    ],
}


@pytest.mark.parametrize("name", PROMISES)
def test_example(root, name, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    file = str(root / "docs/examples/python" / name)
    monkeypatch.setattr(sys, "argv", [file])
    runpy.run_path(file, run_name="__main__")
    printed = capsys.readouterr().out
    for promise in PROMISES[name]:
        assert re.search(promise, printed), f"{promise}\n{printed}"


def test_no_example_is_left_out(root):
    assert {file.name for file in (root / "docs/examples/python").glob("*.py")} == set(PROMISES)
