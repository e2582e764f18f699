# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The GoogleTests: every program in build/test/Unit whose name ends in Tests."""

# ruff: noqa: F821  (lit defines config)
import os

import lit.formats

config.name = "MoE-Unit"
config.suffixes = []
config.test_source_root = config.test_exec_root = os.path.join(config.moe_build_dir, "test", "Unit")
config.test_format = lit.formats.GoogleTest(".", "Tests")
if config.moe_sanitize:
    config.environment["ASAN_OPTIONS"] = "detect_container_overflow=0:detect_leaks=0"
    config.environment["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
