# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a folder of checkpoints that are wrong in one way each, and what the importer must say about them.

Usage: generate.py OUT. Each case is a folder OUT/NAME that is a good checkpoint but for one change, and an entry in
OUT/cases.json: the input to give to the tool and the text its error line must hold (null: it must succeed).
"""

import json
import os
import struct
import sys
from pathlib import Path

EXPERTS, TOP_K, WIDTH, EXPERT_WIDTH = 4, 2, 3, 5
CONFIG = {
    "model_type": "mixtral",
    "num_local_experts": EXPERTS,
    "num_experts_per_tok": TOP_K,
    "hidden_size": WIDTH,
    "intermediate_size": EXPERT_WIDTH,
    "num_hidden_layers": 1,
    "hidden_act": "silu",
    "dtype": "float32",
}
PREFIX = "model.layers.0.block_sparse_moe."
GATE = PREFIX + "gate.weight"
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
CASES = []


def shapes():
    """Name and shape of every tensor of the good checkpoint."""
    result = {GATE: [EXPERTS, WIDTH]}
    for e in range(EXPERTS):
        result[f"{PREFIX}experts.{e}.w1.weight"] = [EXPERT_WIDTH, WIDTH]
        result[f"{PREFIX}experts.{e}.w2.weight"] = [WIDTH, EXPERT_WIDTH]
        result[f"{PREFIX}experts.{e}.w3.weight"] = [EXPERT_WIDTH, WIDTH]
    return result


def header(tensors):
    """The header of tensors given by name and shape, all F32, and the number of their bytes."""
    fields, offset = {}, 0
    for name, shape in tensors.items():
        size = 4
        for dimension in shape:
            size *= dimension
        fields[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    return fields, offset


def pack(text, data=b""):
    """A safetensors file with this header text."""
    if not isinstance(text, bytes):
        text = (text if isinstance(text, str) else json.dumps(text)).encode()
    return struct.pack("<Q", len(text)) + text + data


def good():
    fields, size = header(shapes())
    return fields, bytes(size)


def case(name, expected, at=None):
    """Registers a function that changes the good checkpoint in `folder`; `at` is the input below it."""

    def register(change):
        CASES.append((name, expected, at, change))
        return change

    return register


def raw(name, expected, content):
    """model.safetensors is these bytes."""
    case(name, expected)(lambda folder: (folder / SINGLE).write_bytes(content))


def with_header(name, expected, change, tail=b""):
    """The good header after `change`, which edits it or returns other text."""
    fields, data = good()
    changed = change(fields)
    raw(name, expected, pack(fields if changed is None else changed, data + tail))


def with_gate(name, expected, **fields):
    """The gate's entry in the header with other fields; None removes one."""

    def change(tensors):
        for key, value in fields.items():
            tensors[GATE].pop(key) if value is None else tensors[GATE].update({key: value})

    with_header(name, expected, change)


def with_gate_text(name, expected, old, new):
    """The header's text with one replacement in it, for what json.dumps cannot write."""

    def change(tensors):
        text = json.dumps(tensors)
        assert text.count(old) >= 1, (name, old)
        return text.replace(old, new, 1)

    with_header(name, expected, change)


def with_config(name, expected, **fields):
    def change(folder):
        (folder / "config.json").write_text(json.dumps({**CONFIG, **fields}))

    case(name, expected)(change)


def with_config_text(name, expected, text):
    case(name, expected)(lambda folder: (folder / "config.json").write_bytes(text))


def with_index(name, expected, files, links=None, shards=None):
    """Shards a and b hold the good tensors; `files` maps tensors to other files than a."""

    def change(folder):
        (folder / SINGLE).unlink()
        tensors = shapes()
        for shard, names in (shards or {"a.safetensors": tensors}).items():
            fields, size = header({key: tensors[key] for key in names})
            (folder / shard).write_bytes(pack(fields, bytes(size)))
        for link, target in (links or {}).items():
            (folder / link).symlink_to(target)
        weight_map = {key: "a.safetensors" for key in tensors}
        weight_map.update(files)
        (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))

    case(name, expected)(change)


def register_good():
    case("good", None)(lambda folder: None)
    case("good-config-file", None, "config.json")(lambda folder: None)
    with_index("good-shards", None, {})
    fields, data = good()
    raw("good-padded-header", None, pack(json.dumps(fields) + "  \n ", data))
    with_header("good-empty-tensor", None, lambda f: f.update(z={"dtype": "I8", "shape": [0], "data_offsets": [0, 0]}))


def register_headers():
    raw("header-empty-file", "expected a safetensors file, got only 0 bytes", b"")
    raw("header-7-bytes", "expected a safetensors file, got only 7 bytes", b"\1\0\0\0\0\0\0")
    raw("header-no-json", "expected a safetensors header that begins with '{'", pack(""))
    raw(
        "header-longer-than-file",
        "header of 100 bytes does not fit into the file of 10",
        struct.pack("<Q", 100) + b"{}",
    )
    raw(
        "header-2-to-63",
        "header of at most 100000000 bytes, got 9223372036854775808",
        struct.pack("<Q", 1 << 63) + b"{}",
    )
    raw("header-2-to-64-less-1", "got 18446744073709551615", struct.pack("<Q", (1 << 64) - 1) + b"{}")
    raw("header-over-100-MB", "got 100000001", struct.pack("<Q", 100_000_001) + b"{}")
    raw("header-array", "expected a safetensors header that begins with '{'", pack("[]"))
    raw("header-leading-space", "expected a safetensors header that begins with '{'", pack(" {}"))
    raw("header-bom", "expected a safetensors header that begins with '{'", pack(b"\xef\xbb\xbf{}"))
    raw("header-bad-utf-8", "a string is not valid UTF-8", pack(b'{"\xff": 1}'))
    raw("header-bad-json", "not valid JSON at byte 2", pack("{]"))
    raw("header-trailing-text", "not valid JSON at byte 4", pack("{} {"))
    raw("header-trailing-nul", "NUL byte at byte 2", pack(b"{}\0"))
    raw("header-depth-65", 'tensor "a": unknown field "a"', pack('{"a":' * 65 + "1" + "}" * 65))
    raw("header-depth-100000", 'tensor "a": expected an object', pack('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"))
    raw("header-metadata", '__metadata__: expected a string for "a", got 1', pack('{"__metadata__": {"a": 1}}'))

    # As large as a header may be: nine million entries, and one string.
    entries = b",".join(b'"%x":""' % i for i in range(9_000_000))
    text = b'{"__metadata__": {' + entries
    raw("header-metadata-entries", "__metadata__: more than 100000 entries", pack(text[:100_000_000]))
    raw("header-long-string", "expected strings and numbers of at most 1048576 bytes", pack(b'{"' + b"a" * 99_999_998))
    blank = b"{" + b" " * 99_999_999
    raw("header-blanks", "expected strings and numbers of at most 1048576 bytes", pack(blank))

    duplicate = '{"w": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}, "\\u0077": {}}'
    raw("tensor-duplicate", 'duplicate key "w"', pack(duplicate))
    with_gate_text("field-duplicate", 'duplicate key "dtype"', '{"dtype": "F32"', '{"dtype": "F32", "dtype": "F32"')
    with_gate("field-missing", "has no data_offsets", data_offsets=None)
    with_gate("field-extra", 'unknown field "extra"', extra=1)
    with_gate("dtype-unknown", 'unknown dtype "F33"', dtype="F33")
    with_gate("dtype-number", "expected the name of a dtype, got 32", dtype=32)
    with_gate("shape-negative", "at least 0, got -4", shape=[-4, 3])
    with_gate_text("shape-float", "expected an integer in the shape, got 4.0", "[4, 3]", "[4.0, 3]")
    with_gate_text("shape-exponent", "expected an integer in the shape, got 4e0", "[4, 3]", "[4e0, 3]")
    with_gate_text("shape-1e999", "number out of range", "[4, 3]", "[1e999, 3]")
    with_gate_text("shape-2-to-64", "got 18446744073709551616", "[4, 3]", "[18446744073709551616, 3]")
    with_gate("shape-wraps", "overflows 64 bits", shape=[4194305, 4194305, 211106198978564])
    with_gate("shape-rank-9", "more than 8 dimensions", shape=[1] * 9)
    with_gate("shape-other-size", "takes 64 bytes, but data_offsets [0, 48] span 48", shape=[4, 4])
    with_gate("offsets-three", "expected 2 data_offsets, got more", data_offsets=[0, 48, 48])
    with_gate("offsets-reversed", "run backwards", data_offsets=[48, 0])
    with_gate("offsets-overlap", "overlap", data_offsets=[12, 60])
    with_gate("offsets-past-end", "but the file holds only 768", data_offsets=[1 << 40, (1 << 40) + 48])
    with_gate(
        "offsets-huge", "expected two integers as data_offsets, got 18446744073709551615", data_offsets=[0, 2**64 - 1]
    )
    with_header("data-hole", "bytes 0 to 48 of the data belong to no tensor", lambda f: f.pop(GATE) and None)
    with_header("data-tail", "7 bytes follow the last tensor", lambda f: None, b"PK\3\4 zi")
    fields, data = good()
    raw("data-truncated", "it may be truncated", pack(fields, data[:-2]))


def register_sets():
    with_index("index-parent", "expected the name of a *.safetensors file in the folder", {GATE: "../good/" + SINGLE})
    with_index(
        "index-absolute", "expected the name of a *.safetensors file in the folder", {GATE: "/etc/x.safetensors"}
    )
    with_index("index-number", "expected a string, got 7", {GATE: 7})
    with_index(
        "index-link-out", "leads out of the folder", {GATE: "l.safetensors"}, {"l.safetensors": "../good/" + SINGLE}
    )
    with_index(
        "index-link-cycle",
        "Too many levels of symbolic links",
        {GATE: "l.safetensors"},
        {"l.safetensors": "l.safetensors"},
    )
    with_index("index-shard-missing", "b.safetensors: missing", {GATE: "b.safetensors"})
    both = {"a.safetensors": shapes(), "b.safetensors": [GATE]}
    with_index("index-tensor-twice", f'tensor "{GATE}" is also in', {GATE: "b.safetensors"}, None, both)
    with_index("index-tensor-absent", 'tensor "ghost" is not in "a.safetensors"', {"ghost": "a.safetensors"})

    def bad_index(text):
        def change(folder):
            (folder / SINGLE).unlink()
            (folder / INDEX).write_text(text)

        return change

    case("index-no-map", "no weight_map")(bad_index('{"metadata": {}}'))
    case("index-duplicate", 'duplicate key "x"')(
        bad_index('{"weight_map": {"x": "a.safetensors", "x": "b.safetensors"}}')
    )

    @case("file-is-folder", "expected a file, got a folder")
    def _(folder):
        (folder / SINGLE).unlink()
        (folder / SINGLE).mkdir()

    @case("file-is-pipe", "expected a regular file")
    def _(folder):
        (folder / SINGLE).unlink()
        os.mkfifo(folder / SINGLE)

    @case("file-is-link-out", "leads out of the folder")
    def _(folder):
        (folder / SINGLE).unlink()
        (folder / SINGLE).symlink_to("/dev/zero")


def register_configs():
    number = "must be an integer in"
    for key, limit in {
        "num_local_experts": 4096,
        "hidden_size": 2**31 - 1,
        "intermediate_size": 2**31 - 1,
        "num_hidden_layers": 1024,
    }.items():
        for label, value in {"zero": 0, "negative": -1, "too-large": limit + 1, "text": "4", "real": 4.5}.items():
            with_config(f"config-{key}-{label}", f"config.json: {key} {number} [1, {limit}]", **{key: value})
        with_config(f"config-{key}-missing", f"config.json: no {key}", **{key: None})
    with_config("config-layers-1e9", f"num_hidden_layers {number} [1, 1024], got 1000000000", num_hidden_layers=10**9)
    with_config(
        "config-top-k-zero", "num_experts_per_tok (0) must be in [1, num_local_experts (4)]", num_experts_per_tok=0
    )
    with_config(
        "config-top-k-large", "num_experts_per_tok (5) must be in [1, num_local_experts (4)]", num_experts_per_tok=5
    )
    with_config(
        "config-top-k-list", "num_experts_per_tok must be an integer in [1, 4], got an array", num_experts_per_tok=[2]
    )
    with_config("config-model-type", 'did you mean "mixtral"? supported: ', model_type="mixtrall")
    with_config("config-model-type-long", "did you mean", model_type="x\n" * 100_000)
    with_config("config-model-type-missing", "no model_type", model_type=None)
    with_config("config-activation", 'hidden_act "mish" is not supported; expected one of silu', hidden_act="mish")
    with_config("config-dtype", 'dtype "int8" is not supported', dtype="int8")
    with_config(
        "config-other-width", f'tensor "{GATE}": expected F32, BF16 or F16 [4, 4], got F32 [4, 3]', hidden_size=4
    )
    with_config("config-more-experts", "expected F32, BF16 or F16 [8, 3], got F32 [4, 3]", num_local_experts=8)
    with_config("config-more-layers", 'no tensor "model.layers.1.block_sparse_moe.gate.weight"', num_hidden_layers=2)
    with_config_text("config-empty", "config.json: expected JSON, got an empty file", b"")
    with_config_text("config-array", "config.json: expected an object, got an array", b"[]")
    with_config_text("config-bad-json", "config.json: not valid JSON at byte", b'{"a": }')
    with_config_text("config-duplicate", 'config.json: duplicate key "a"', b'{"a": 1, "a": 2}')
    with_config_text("config-depth", "config.json: nested more than 64 deep", b"[" * 1_000_000)
    with_config_text("config-1e999", "config.json: number out of range", b'{"a": 1e999}')
    with_config_text("config-values", "config.json: more than 250000 values", b"[" + b"1," * 1_000_000 + b"1]")
    case("config-missing", "config.json: missing")(lambda folder: (folder / "config.json").unlink())

    missing = f"{PREFIX}experts.2.w3.weight"
    tensors = {name: shape for name, shape in shapes().items() if name != missing}
    fields, size = header(tensors)
    raw(
        "expert-missing",
        f'no tensor "{missing}"; expected F32, BF16 or F16 [5, 3] as the up of expert 2 of 4',
        pack(fields, bytes(size)),
    )
    with_gate("expert-dtype", "expected F32, BF16 or F16 [4, 3], got I32 [4, 3]", dtype="I32")


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True)
    register_good()
    register_headers()
    register_sets()
    register_configs()
    listing = []
    for name, expected, at, change in CASES:
        folder = out / name
        folder.mkdir()
        fields, data = good()
        (folder / "config.json").write_text(json.dumps(CONFIG))
        (folder / SINGLE).write_bytes(pack(fields, data))
        change(folder)
        listing.append({"input": str(folder / at) if at else str(folder), "expected": expected})
    (out / "cases.json").write_text(json.dumps(listing, indent=1))


if __name__ == "__main__":
    main()
