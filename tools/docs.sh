#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes docs/reference from the .td files and the tools' --help; builds what it needs first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/build.sh moe-doc
git --no-pager diff --stat -- docs/reference
