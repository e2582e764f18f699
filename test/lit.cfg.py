# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The suite of .mlir and .test files. Values of this build come from lit.site.cfg.py."""

# ruff: noqa: F821  (lit defines config and lit_config)
import os
from pathlib import Path

import lit.formats

config.name = "MoE"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Unit", "zoo"]
config.test_source_root = str(Path(__file__).parent)
config.test_exec_root = os.path.join(config.moe_build_dir, "test")

# Our tools first, then FileCheck, not, split-file and mlir-opt of the LLVM we build against.
path = [config.moe_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", os.environ.get("PATH", ""))]
config.environment["PATH"] = os.path.pathsep.join(path)
config.environment["MOE_BUILD_DIR"] = config.moe_build_dir
if config.moe_sanitize:
    # libLLVM.so and libMLIR.so are not instrumented: containers that cross into them would look overrun, and memory
    # that their allocators hand out would stay poisoned.
    config.environment["ASAN_OPTIONS"] = "detect_container_overflow=0:detect_leaks=0:allow_user_poisoning=0"
    config.environment["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    # LLVM's handler of a crash, planted in a test, allocates memory.
    config.environment["TSAN_OPTIONS"] = "halt_on_error=1:report_signal_unsafe=0"
    config.environment["MOE_SLOW"] = "1"
    config.available_features.add("sanitizer")

config.substitutions += [
    ("%moe_src_root", config.moe_src_root),
    ("%moe_build_dir", config.moe_build_dir),
    ("%moe_lib_dir", os.path.join(config.moe_build_dir, "lib")),
    ("%moe_include_dir", os.path.join(config.moe_src_root, "include")),
    ("%zoo", os.path.join(config.test_source_root, "zoo")),
    ("%cmake", config.cmake),
    ("%python", config.python),
    ("%cc", config.c_compiler),
]

# Runs @main of a module of upstream dialects on tensors: `| %run_main`.
lowering = """
    one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},
    canonicalize, cse, canonicalize, buffer-deallocation-pipeline, convert-bufferization-to-memref,
    convert-linalg-to-loops, canonicalize, convert-vector-to-scf, convert-scf-to-cf, expand-strided-metadata,
    lower-affine, func.func(arith-expand{include-bf16}), convert-math-to-llvm, convert-math-to-libm,
    convert-vector-to-llvm, finalize-memref-to-llvm, convert-arith-to-llvm, convert-index-to-llvm, convert-cf-to-llvm,
    convert-func-to-llvm, reconcile-unrealized-casts"""
runner_libs = (f"{config.llvm_tools_dir}/../lib/libmlir_{name}.so" for name in ("runner_utils", "c_runner_utils"))
lower = f"mlir-opt --pass-pipeline='builtin.module({' '.join(lowering.split())})'"
run = f"mlir-runner -e main -entry-point-result=void -shared-libs={','.join(runner_libs)}"
config.substitutions.append(("%run_main", f"{lower} | {run}"))

# Tests that would make the quick suite slow say `REQUIRES: full`.
if lit_config.params.get("full"):
    config.available_features.add("full")


def cpu_features():
    """What the processor says it can do, in LLVM's spelling: avx2, avx512f, avx512bf16, amx-tile, ..."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = line.split(":", 1)[1].split()
            return {flag.replace("avx512_", "avx512").replace("_", "-") for flag in flags}
    return set()


wanted = ("avx", "fma", "f16c", "amx")
config.available_features |= {feature for feature in cpu_features() if feature.startswith(wanted)}

# The machine levels that compiled code can be run at here. Tests of AMX kernels name amx-emulated as well, which runs
# everywhere.
levels = ["x86-64-v3"]
levels += ["avx-vnni"] if "avx-vnni" in config.available_features else []
levels += ["x86-64-v4"] if "avx512bw" in config.available_features else []
levels += ["avx512-vnni"] if "avx512vnni" in config.available_features else []
levels += ["avx512-bf16"] if "avx512bf16" in config.available_features else []
levels += ["amx"] if {"amx-tile", "amx-bf16", "amx-int8"} <= config.available_features else []
config.substitutions.append(("%levels", ",".join(levels)))
