#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes all that run_all.py needs on a machine with a GPU, which then needs no compiler, into one folder.

prepare.py [--chip sm_90] [--out build/gpu]

For every checkpoint of test/zoo and every shape: the layer's PTX, its cubin where ptxas was found, and the LLVM IR that
stands for them where there is no GPU. Beside them libmoe_runtime.so and MANIFEST.json.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# name: (model width D, expert width F, experts E, top-K): one layer each of Mixtral-8x7B, Qwen3-30B-A3B, the part of
# DeepSeek-V3 that one of eight devices holds, gpt-oss-20b (its shape alone) and OLMoE-1B-7B.
SHAPES = {
    "mixtral": (4096, 14336, 8, 2),
    "qwen3-30b-a3b": (2048, 768, 128, 8),
    "deepseek-v3-ep8": (7168, 2048, 32, 1),
    "gpt-oss-20b": (2880, 2880, 32, 4),
    "olmoe": (2048, 1024, 64, 8),
}


def config_of(shape, dtype="bfloat16"):
    """A model of one layer in OLMoE's layout: softmax over the chosen experts, SwiGLU."""
    width, expert_width, experts, top_k = shape
    return {
        "model_type": "olmoe",
        "hidden_size": width,
        "intermediate_size": expert_width,
        "num_experts": experts,
        "num_experts_per_tok": top_k,
        "norm_topk_prob": True,
        "hidden_act": "silu",
        "num_hidden_layers": 1,
        "dtype": dtype,
    }


class Preparation:
    def __init__(self, args):
        self.args, self.out = args, Path(args.out)
        self.compiler = Path(args.build) / "bin" / "moe-compile"
        self.lacks = []

    def compile(self, source, name, *flags):
        """{kind: file name} of what could be made; a failure other than of ptxas ends the script."""
        made = {}
        for kind, suffix in (("llvm", "ll"), ("ptx", "ptx"), ("cubin", "cubin")):
            file = self.out / f"{name}.{suffix}"
            command = [self.compiler, source, "--target=nvptx", f"--chip={self.args.chip}", f"--emit={kind}"]
            done = subprocess.run([*command, *flags, "-o", file], check=False, capture_output=True, text=True)
            if done.returncode == 0:
                made[kind] = file.name
            elif kind == "cubin":
                self.lacks.append(f"{name}: no cubin: {done.stderr.strip().splitlines()[-1]}")
            else:
                sys.exit(f"prepare.py: {name}: {done.stderr.strip()}")
        return made

    def run(self):
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        shutil.copy(Path(self.args.build) / "lib" / "libmoe_runtime.so", self.out)
        manifest = {"chip": self.args.chip, "runtime": "libmoe_runtime.so", "checkpoints": [], "shapes": []}
        zoo = ROOT / "test" / "zoo"
        names = self.args.checkpoints.split(",") if self.args.checkpoints else sorted(p.name for p in zoo.iterdir())
        for name in names:
            if not (zoo / name / "config.json").exists():
                continue
            for flags in ((), ("--dtype=bf16",)):
                case = name + ("-bf16" if flags else "")
                manifest["checkpoints"].append(
                    {"name": case, "checkpoint": name, **self.compile(zoo / name, case, *flags)}
                )
        for name in self.args.shapes.split(",") if self.args.shapes else SHAPES:
            shape = [int(n) for n in name.split("x")] if name[0].isdigit() else SHAPES[name]
            config = self.out / f"{name}.config" / "config.json"
            config.parent.mkdir()
            config.write_text(json.dumps(config_of(shape)))
            made = self.compile(config, name, "--random-weights=1")
            manifest["shapes"].append({"name": name, "shape": shape, **made})
        manifest["lacks"] = self.lacks
        (self.out / "MANIFEST.json").write_text(json.dumps(manifest, indent=1))
        counts = f"{len(manifest['checkpoints'])} checkpoints and {len(manifest['shapes'])} shapes"
        print(f"{self.out}: {counts} for {self.args.chip}")
        for line in self.lacks[:1]:
            print(f"lacks {line}" + (f", and {len(self.lacks) - 1} more" if len(self.lacks) > 1 else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chip", default="sm_90", help="as of moe-compile")
    parser.add_argument("--build", default=ROOT / "build")
    parser.add_argument("--out", default=ROOT / "build" / "gpu")
    parser.add_argument("--checkpoints", default="", help="names of test/zoo; by default all")
    parser.add_argument("--shapes", default="", help=f"of {', '.join(SHAPES)}, or DxFxExK; by default all")
    Preparation(parser.parse_args()).run()


if __name__ == "__main__":
    main()
