#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The rules of the house that a script can see, one function a rule.

usage: house_rules.py ROOT RULE

Prints one line a breach, `PATH: what`, and exits with 1 if there is any.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

TOP_LEVEL = {
    *("lib", "include", "tools", "test", "python", "benchmarks", "docs"),
    *("CMakeLists.txt", "README.md", "LICENSE", "CHANGELOG.md"),
}
SOURCES = {".cpp", ".h", ".c", ".td", ".py", ".sh", ".cmake"}
LINE_LIMITS = [("CMakeLists.txt", 120), ("tools/*/*.cpp", 100), ("*.cpp", 800), ("*.h", 800), ("*.td", 800)]
NO_COMPILER_IN = ("lib/Checkpoint", "lib/Runtime", "include/moe/Checkpoint", "include/moe/Runtime")


def project_files(root):
    """Paths relative to root: what git tracks or would track, or every file where there is no repository."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, check=False) if (root / ".git").exists() else None
    if listed and listed.returncode == 0:
        names = [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*")]
        names = [name for name in names if not name.parts[0].startswith((".git", "build"))]
    return sorted(name for name in names if (root / name).is_file())


def is_source(path):
    return path.suffix in SOURCES or path.name == "CMakeLists.txt"


def lines_matching(root, paths, pattern, what):
    for path in paths:
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {what}"


def layout(root, files):
    """The top level holds only what the design names, and dotfiles."""
    for entry in sorted({path.parts[0] for path in files}):
        if entry not in TOP_LEVEL and not entry.startswith("."):
            yield f"{entry}: does not belong at the top level"


def file_size(root, files):
    """A file that outgrows its limit holds more than one idea."""
    for path in files:
        for pattern, limit in LINE_LIMITS:
            if path.match(pattern) and (pattern != "CMakeLists.txt" or len(path.parts) == 1):
                count = len((root / path).read_text(errors="replace").splitlines())
                if count > limit:
                    yield f"{path}: {count} lines, expected at most {limit}"
                break


def spdx(root, files):
    """Every source names its licence in its first lines."""
    for path in filter(is_source, files):
        head = (root / path).read_text(errors="replace").splitlines()[:3]
        if not any("SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" in line for line in head):
            yield f"{path}: no SPDX line in the first three lines"


def no_global_options(root, files):
    """A library takes its options from pass options and arguments, never from the command line of the process."""
    libraries = [path for path in files if path.parts[0] in ("lib", "include") and is_source(path)]
    pattern = re.compile(r"\bcl::(opt|list|bits|alias)\b")
    yield from lines_matching(root, libraries, pattern, "a global command line option in a library")


def no_exit(root, files):
    """A library returns its errors."""
    libraries = [path for path in files if path.parts[0] == "lib" and path.suffix in (".cpp", ".h")]
    pattern = re.compile(r"(?<![\w.>])(?:std::|::)?(?:_?exit|abort|quick_exit)\s*\(|\breport_fatal_error\b")
    yield from lines_matching(root, libraries, pattern, "a library must not end the process")


def no_compiler(root, files):
    """A compiled model runs without LLVM, so the rooms it needs do not see it."""
    plain = [path for path in files if path.as_posix().startswith(NO_COMPILER_IN)]
    pattern = re.compile(r'#\s*include\s*[<"](llvm|mlir)(-c)?/')
    yield from lines_matching(root, plain, pattern, "includes LLVM or MLIR in a room that must not know them")


def no_machine_paths(root, files):
    """Nothing depends on where somebody's machine keeps things."""
    pattern = re.compile(r"(^|[^\w.])/(work|root|home|farm)/")
    texts = [path for path in files if is_source(path) or path.suffix in (".md", ".mlir", ".test", ".in", ".toml")]
    texts = [path for path in texts if path.parts[:2] != ("test", "Meta")]
    yield from lines_matching(root, texts, pattern, "a path of one machine")


def doc_paths(root, files):
    """The documentation names files of this tree that are there. Pages that are generated name none."""
    link = re.compile(r"\]\((?!https?:)([^)#]+)")
    path = re.compile(r"`((?:include|lib|test|tools|docs|benchmarks)/(?:[\w-]|\.(?!\.)|/)+)`")
    pages = [page for page in files if page.suffix == ".md" and page.parts[:2] != ("docs", "reference")]
    for page in pages:
        for number, line in enumerate((root / page).read_text().splitlines(), 1):
            named = [(root / page).parent / target for target in link.findall(line)]
            named += [root / target for target in path.findall(line)]
            for target in named:
                if not target.exists():
                    yield f"{page}:{number}: names {os.path.relpath(target, root)}, which is not there"


RULES = [layout, file_size, spdx, no_global_options, no_exit, no_compiler, no_machine_paths, doc_paths]


def main():
    rules = {rule.__name__.replace("_", "-"): rule for rule in RULES}
    if len(sys.argv) != 3 or sys.argv[2] not in rules:
        sys.exit(f"{__doc__}\nrules: {', '.join(rules)}")
    root = Path(sys.argv[1])
    files = project_files(root)
    if not files:
        sys.exit(f"{root}: no files")
    breaches = list(rules[sys.argv[2]](root, files))
    print("\n".join(breaches) if breaches else f"{len(files)} files keep the rule")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
