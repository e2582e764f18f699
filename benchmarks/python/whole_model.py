# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tokens per second of whole models of transformers on the CPU, by how their experts run.

usage: whole_model.py MODEL [MODE...] --json FILE      one of MODELS; appends a line for each mode
       whole_model.py --table FILE --plot PLOT.svg     the table (on standard output) and the plot of such lines

Models have four layers of the shape of the real one, a vocabulary of 2048, random weights, bf16. Weights repeat a block
of random numbers, which costs the same and takes less time to make. "prefill" is a forward pass of 512 tokens, "decode"
is generate() of 32 tokens from a prompt of 16. Modes are measured one after the other in one process; the median of
several runs.
"""

import argparse
import json
import statistics
import time
import warnings

import torch
import transformers

MODELS = {
    "olmoe": transformers.OlmoeConfig(
        hidden_size=2048, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=16, num_key_value_heads=16,
        num_experts=64, num_experts_per_tok=8, vocab_size=2048, eos_token_id=None,
    ),
    "qwen3-30b-a3b": transformers.Qwen3MoeConfig(
        hidden_size=2048, moe_intermediate_size=768, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=4,
        head_dim=128, num_experts=128, num_experts_per_tok=8, norm_topk_prob=True, vocab_size=2048,
    ),
}  # fmt: skip
MODES = ["eager", "grouped_mm", "batched_mm", "compile", "moe_mlir", "patch"]
LABELS = {"compile": "torch.compile (grouped_mm)", "moe_mlir": "moe_mlir (experts)", "patch": "moe_mlir (blocks)"}
PREFILL, PROMPT, DECODE = 512, 16, 32


def make(config):
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model = model.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.data.fill_(1.0)
            continue
        rows = parameter.data.view(-1, parameter.shape[-1])
        scale = 1.0 if "embed" in name else parameter.shape[-1] ** -0.5
        block = (torch.randn(min(len(rows), 8191), rows.shape[-1], generator=generator) * scale).bfloat16()
        for begin in range(0, len(rows), len(block)):
            rows[begin : begin + len(block)].copy_(block[: len(rows) - begin])
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    model.generation_config.eos_token_id = None
    return model


def forget_layers(model):
    for module in model.modules():
        module.__dict__.pop("_moe_mlir_cache", None)


def use(model, mode):
    """Makes the model run in a mode; returns what undoes it."""
    import moe_mlir.transformers as ours

    if mode == "patch":
        ours.patch(model, check=False)
        return lambda: ours.unpatch(model)
    model.set_experts_implementation("grouped_mm" if mode == "compile" else mode)
    if mode == "compile":
        plain = model.forward
        model.forward = torch.compile(plain, dynamic=True)

        def undo():
            model.forward = plain

        return undo
    return lambda: forget_layers(model)


def timed(run, repeat):
    run()
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(model, mode):
    ids = torch.randint(3, 2000, (1, PREFILL), generator=torch.Generator().manual_seed(1))
    undo = use(model, mode)
    with torch.no_grad():
        prefill = timed(lambda: model(ids, use_cache=False, logits_to_keep=1), 3)
        prompt, lengths = ids[:, :PROMPT], {"max_new_tokens": DECODE, "do_sample": False}
        whole = timed(lambda: model.generate(prompt, **lengths), 3)
        first = timed(lambda: model.generate(prompt, max_new_tokens=1, do_sample=False), 3)
    undo()
    return {"prefill": PREFILL / prefill, "decode": (DECODE - 1) / (whole - first)}


def run(args):
    torch.set_num_threads(args.threads or torch.get_num_threads())
    model = make(MODELS[args.model])
    for mode in args.modes or MODES:
        row = {"model": args.model, "mode": mode, "threads": torch.get_num_threads()}
        try:
            row |= measure(model, mode)
        except Exception as error:  # noqa: BLE001  (a mode that does not run is a result, too)
            row["error"] = str(error).splitlines()[0][:200]
        with open(args.json, "a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)


def rows_of(file):
    rows = {}
    with open(file) as lines:
        for line in lines:
            row = json.loads(line)
            rows[row["model"], row["mode"]] = row  # the last one counts
    return rows


def table(rows):
    print("| model | experts run as | prefill, tokens/s | | decode, tokens/s | |")
    print("|---|---|--:|--:|--:|--:|")
    for (model, mode), row in rows.items():
        base = rows.get((model, "grouped_mm"), row)
        if "error" in row:
            print(f"| {model} | {LABELS.get(mode, mode)} | {row['error']} | | | |")
            continue
        ratios = [f"{row[key] / base[key]:.2f}x" if key in base else "" for key in ("prefill", "decode")]
        values = [f"{row['prefill']:.0f}", ratios[0], f"{row['decode']:.1f}", ratios[1]]
        print(f"| {model} | {LABELS.get(mode, mode)} | {' | '.join(values)} |")


def plot(rows, file):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "moe-mlir", "svg.fonttype": "none"}
    from matplotlib import pyplot

    models = list(dict.fromkeys(model for model, _ in rows))
    figure, axes = pyplot.subplots(len(models), 2, figsize=(9, 2.4 * len(models)), squeeze=False)
    for line, model in zip(axes, models, strict=True):
        for axis, key in zip(line, ("prefill", "decode"), strict=True):
            done = [(mode, row[key]) for (of, mode), row in rows.items() if of == model and key in row]
            names = [LABELS.get(mode, mode) for mode, _ in done]
            colors = ["#c44e52" if "moe_mlir" in name else "#8c8c8c" for name in names]
            bars = axis.barh(names, [value for _, value in done], color=colors)
            axis.bar_label(bars, fmt="%.0f", padding=3)
            axis.invert_yaxis()
            axis.set_title(f"{model}: {key}, tokens/s", fontsize=10)
            axis.spines[["top", "right"]].set_visible(False)
            axis.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", choices=MODELS)
    parser.add_argument("modes", nargs="*", metavar="MODE", help=", ".join(MODES))
    parser.add_argument("--json", default="whole_model.jsonl")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--table", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    if args.table:
        rows = rows_of(args.table)
        table(rows)
        if args.plot:
            plot(rows, args.plot)
    elif args.model:
        run(args)
    else:
        parser.error("expected a model, or --table FILE")


if __name__ == "__main__":
    main()
