#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every op, attribute, type, enumeration, interface and pass says what it is.

usage: descriptions.py ROOT

Reads the records of every .td file below ROOT/include/moe that defines any. All but enumerations, whose cases speak
for them, need a description of a sentence or more; all but interfaces need a summary.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

# Superclass of a record, what to call it, and which fields it must have.
KINDS = {
    "Op": ("op", ["summary", "description"]),
    "AttrDef": ("attribute", ["summary", "description"]),
    "TypeDef": ("type", ["summary", "description"]),
    "EnumInfo": ("enumeration", ["summary"]),
    "Interface": ("interface", ["description"]),
    "InterfaceMethod": ("method", ["description"]),
    "PassBase": ("pass", ["summary", "description"]),
}
SHORTEST = {"summary": 5, "description": 30}


def records(root, path):
    """(name, record) of all that `path` and what it includes define."""
    program = Path(shutil.which("llvm-tblgen")).resolve()
    include = ["-I", program.parent.parent / "include", "-I", root / "include"]
    command = [program, "--dump-json", *include, path]
    dumped = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    # Beside the records are a version number and lists of names by class.
    return [(name, record) for name, record in dumped.items() if isinstance(record, dict) and "!locs" in record]


def problems(root):
    paths = sorted((root / "include/moe").rglob("*.td"))
    # A record's place is given as a file name and a line.
    ours = {path.name for path in paths}
    seen = {}
    for path in paths:
        for name, record in records(root, path):
            for superclass in set(KINDS) & set(record["!superclasses"]):
                if record["!locs"][-1].rsplit(":", 1)[0] in ours:
                    seen.setdefault((superclass, name), record)
    if not seen:
        yield "no records"
    for (superclass, name), record in sorted(seen.items(), key=lambda item: item[0]):
        what, fields = KINDS[superclass]
        shortest = {**SHORTEST, "description": 5} if what == "method" else SHORTEST
        for field in fields:
            if len((record.get(field) or "").strip()) < shortest[field]:
                yield f"{what} {name}: no {field}"
    print(f"{len(seen)} records")


def main():
    found = list(problems(Path(sys.argv[1]).resolve()))
    print("\n".join(found) if found else "each says what it is")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
