# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options and folders that all tests of the Python package share."""

import os
from pathlib import Path

import moe_mlir
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="slow tests as well")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: a test that would make the quick suite slow")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--full"):
        return
    for item in items:
        if "full" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs --full"))


@pytest.fixture(scope="session")
def zoo():
    """The shipped checkpoints."""
    return Path(os.environ.get("MOE_TEST_ZOO", ROOT / "test/zoo"))


@pytest.fixture(scope="session")
def layer(zoo):
    """Compiled once for all tests that look at a layer of f32."""
    return moe_mlir.compile(zoo / "mixtral", layer=0)


@pytest.fixture(scope="session")
def half(zoo):
    """The same of bf16."""
    return moe_mlir.compile(str(zoo / "mixtral"), layer=0, dtype="bf16")


@pytest.fixture(scope="session")
def root():
    return ROOT
