# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times layers of published shapes: ours from its device code, as a CUDA graph, and peers where PyTorch is."""

# ruff: noqa: PLC0415  (libraries that may be missing are imported where they are wanted)
import os
import statistics
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from device import BF16, NUMPY_TYPES, Library, from_float, to_float

TOLERANCE = 2e-2  # of bf16, against the largest value
FLUSH_BYTES = 256 << 20  # more than any L2
FEW_ROWS = 256  # caches are flushed, and results compared with a reference, up to so many


def work_of(shape, tokens, experts_hit):
    """FLOP and bytes that a call cannot do without."""
    width, expert_width, experts, top_k = shape
    flops = 2 * tokens * (top_k * 3 * width * expert_width + experts * width)
    return flops, 2 * (experts_hit * 3 * width * expert_width + experts * width + 2 * tokens * width)


def expected_hits(shape, tokens):
    """Experts that rows reach when each chooses at random."""
    experts, top_k = shape[2:]
    return experts * (1 - (1 - top_k / experts) ** tokens)


class Ours:
    """Our layer for one number of rows, captured once."""

    def __init__(self, driver, layer, rows):
        self.driver, self.layer, tokens = driver, layer, len(rows)
        self.pointers = [driver.allocate(rows.nbytes)]
        driver.upload(self.pointers[0], rows)
        self.results = [o.empty(tokens) for o in layer.outputs]
        self.pointers += [driver.allocate(array.nbytes) for array in self.results]
        size = layer.workspace_size(tokens)
        self.pointers.append(driver.allocate(size))
        inputs, outputs, workspace = self.pointers[:1], self.pointers[1:-1], (self.pointers[-1], size)
        self.launch = driver.capture(lambda stream: layer.run(tokens, inputs, outputs, workspace, stream))

    def output(self):
        index = [o.name for o in self.layer.outputs].index("output")
        return to_float(self.driver.download(self.results[index], self.pointers[1 + index]), BF16)

    def free(self):
        for pointer in self.pointers:
            self.driver.free(pointer)


class TorchWeights:
    """Weights on the device, drawn there; and the layer in f32 to compare with."""

    def __init__(self, shape):
        import torch

        self.torch, self.shape = torch, shape
        width, expert_width, experts, _ = shape
        generator = torch.Generator("cuda").manual_seed(0)

        def draw(*size):
            made = torch.empty(*size, dtype=torch.bfloat16, device="cuda")
            for part in made:
                part.copy_(torch.randn(*size[1:], generator=generator, device="cuda") / size[-1] ** 0.5)
            return made

        self.w = SimpleNamespace(
            router=draw(experts, width),
            w13=draw(experts, 2 * expert_width, width),
            w2=draw(experts, width, expert_width),
        )

    def rows(self, bits):
        return self.torch.from_numpy(bits.view(np.int16)).view(self.torch.bfloat16).cuda()

    def save(self, folder):
        from safetensors.torch import save_file

        prefix, half = "model.layers.0.mlp.", self.shape[1]
        tensors = {prefix + "gate.weight": self.w.router.cpu()}
        for e in range(self.shape[2]):
            gate_up, down = self.w.w13[e].cpu(), self.w.w2[e].cpu()
            tensors[f"{prefix}experts.{e}.gate_proj.weight"] = gate_up[:half].contiguous()
            tensors[f"{prefix}experts.{e}.up_proj.weight"] = gate_up[half:].contiguous()
            tensors[f"{prefix}experts.{e}.down_proj.weight"] = down
        save_file(tensors, Path(folder) / "model.safetensors")

    def reference(self, x):
        torch, w, x = self.torch, self.w, x.float()
        weights, ids = (x @ w.router.float().T).softmax(-1).topk(self.shape[3])
        weights, out = weights / weights.sum(-1, keepdim=True), torch.zeros_like(x)
        for e in ids.unique().tolist():
            token, slot = (ids == e).nonzero(as_tuple=True)
            gate, up = (x[token] @ w.w13[e].float().T).chunk(2, -1)
            rows = (torch.nn.functional.silu(gate) * up) @ w.w2[e].float().T
            out.index_add_(0, token, weights[token, slot, None] * rows)
        return out.cpu().numpy()


def share_of_rows_off(got, wanted):
    """Rows near a tie may take another expert, so a few rows may be off altogether."""
    scale = np.abs(wanted).max()
    return float((np.abs(got - wanted).max(1) > TOLERANCE * scale).mean())


class Shape:
    """One shape: its layer on the device, and peers with the same weights where there are any."""

    def __init__(self, driver, runtime, artefacts, entry, peers):
        self.driver, self.shape, self.name = driver, entry["shape"], entry["name"]
        os.environ["MOE_FAKE_CUDA_IR"] = str(artefacts / entry["llvm"])
        cubin = entry.get("cubin") and str(artefacts / entry["cubin"])
        library = Library(runtime, str(artefacts / entry["ptx"]), cubin)
        self.weights = TorchWeights(self.shape) if peers is not None else None
        if self.weights:
            memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
            with tempfile.TemporaryDirectory(dir=memory) as folder:
                (Path(folder) / "config.json").write_bytes((artefacts / f"{self.name}.config/config.json").read_bytes())
                self.weights.save(folder)
                self.layer = library.load(0, checkpoint=folder)
        else:
            self.layer = library.load(0, seed=1)
        self.peers = {name: build(self.shape, self.weights.w) for name, build in (peers or {}).items()}

    def measure(self, tokens, rounds, repeats, limits):
        """Rows of the table for `tokens` rows of input: ours first."""
        assert NUMPY_TYPES[self.layer.inputs[0].dtype] is np.uint16, "shapes are of bf16"
        rows = from_float(np.random.default_rng(tokens).standard_normal((tokens, self.shape[0])), BF16)
        ours = Ours(self.driver, self.layer, rows)
        runs, off = {"moe-mlir": ours.launch}, None
        if self.weights:
            x = self.weights.rows(rows)
            runs |= {name: lambda run=run: run(x) for name, run in self.peers.items()}
            if tokens <= FEW_ROWS:
                ours.launch()
                off = share_of_rows_off(ours.output(), self.weights.reference(x))
        flush = self.driver.allocate(FLUSH_BYTES) if tokens <= FEW_ROWS else None
        times = {name: [] for name in runs}
        for turn in range(rounds + 1):  # in turns, so that what drifts drifts for all; the first warms up
            for name, run in runs.items():
                before = (lambda: self.driver.fill(flush, FLUSH_BYTES)) if flush else (lambda: None)
                taken = self.driver.time(run, repeats, before)
                times[name] += taken if turn else []
        if flush:
            self.driver.free(flush)
        ours.free()
        flops, size = work_of(self.shape, tokens, expected_hits(self.shape, tokens))
        floor = max(flops / limits["flops"], size / limits["bytes"]) * 1e6 if limits else None
        best = min((statistics.median(t) for name, t in times.items() if name != "moe-mlir"), default=None)
        return [
            {
                "shape": self.name,
                "tokens": tokens,
                "name": name,
                "median_us": statistics.median(taken),
                "min_us": min(taken),
                "ratio_to_best_peer": best / statistics.median(taken) if best and name == "moe-mlir" else None,
                "share_of_floor": floor / statistics.median(taken) if floor else None,
                "rows_off": off if name == "moe-mlir" else None,
            }
            for name, taken in times.items()
        ]
