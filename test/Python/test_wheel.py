# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The wheel for every Python of this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSIONS = ["3.10", "3.11", "3.12", "3.13"]
PROGRAM = """
import sys, moe_mlir
layer = moe_mlir.compile(sys.argv[1], layer=0)
import array
rows = memoryview(array.array("f", range(64))).cast("B").cast("f", (1, 64))
from moe_mlir._extension import _moe
out = _moe.empty([1, 64], _moe.F32)
layer._handle.run([_moe.rows(rows)], [_moe.rows(out), None, None, None])
assert any(memoryview(out)[0, i] != 0 for i in range(64))
print("python", sys.version_info[:2], layer)
"""


def python_of(version):
    """An interpreter of this version that starts, has venv and headers; or nothing. pyenv's are looked for, too."""
    check = "import sysconfig, os, venv; assert os.path.exists(sysconfig.get_path('include') + '/Python.h')"
    pyenv = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python{version}"))
    for name in filter(None, [shutil.which(f"python{version}"), *pyenv]):
        if subprocess.run([name, "-c", check], capture_output=True, check=False).returncode == 0:
            return name
    return None


@pytest.mark.full
@pytest.mark.parametrize("version", VERSIONS)
def test_builds_and_works(version, root, zoo, tmp_path):
    python = python_of(version)
    if not python:
        pytest.skip(f"there is no Python {version} with headers")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    build = f"build-dir={tmp_path}/build"
    install = [tmp_path / "venv/bin/pip", "install", "-q", str(root / "python"), "--config-settings", build]
    subprocess.run(install, env=environment, check=True)
    result = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", PROGRAM, str(zoo / "mixtral")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert version.split(".")[1] in result.stdout


def test_carries_its_libraries_and_stubs():
    """What the wheel says it has is there, and the stub names what the extension has."""
    import moe_mlir
    from moe_mlir._extension import _moe

    folder = os.path.dirname(moe_mlir.__file__)
    for file in ("py.typed", "_moe.pyi", "lib/libmoe_runtime.so", "lib/libmoe_compiler.so"):
        assert os.path.exists(os.path.join(folder, file)), file
    with open(os.path.join(folder, "_moe.pyi")) as stub:
        text = stub.read()
    for name in ("class Library", "class Layer", "class Source", "def describe", "class CompileError"):
        assert name in text, name
    assert sys.modules["moe_mlir._moe"] is _moe
