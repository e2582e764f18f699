#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs what building and testing need on Debian 12. Quick and silent but for one line when nothing is missing.
set -euo pipefail

readonly llvm_version=22.1

# All of one LLVM: MLIR's API is the same only within a major.minor.
llvm_packages=(
  clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools libclang-rt-22-dev
  clang-format-22 clang-tidy-22
)
other_packages=(
  cmake ninja-build ccache
  libgtest-dev libbenchmark-dev nlohmann-json3-dev libxxhash-dev zlib1g-dev libzstd-dev
  python3 python3-dev python3-venv python3-numpy python3-psutil
  ca-certificates shellcheck
)

fail() {
  echo "install-deps: error: $*" >&2
  exit 1
}

# Empty when the package is not there.
installed_version() {
  { dpkg-query -W -f='${db:Status-Status} ${Version}\n' "$1" 2>/dev/null || true; } | sed -n 's/^installed //p' | head -n 1
}

# Without the epoch and the Debian revision: 1:22.1.8-1~deb12u1 is of 22.1.
is_wanted_llvm() {
  [[ "${1#*:}" == "$llvm_version".* ]]
}

missing=()
for package in "${llvm_packages[@]}"; do
  version=$(installed_version "$package")
  is_wanted_llvm "$version" || missing+=("$package")
done
for package in "${other_packages[@]}"; do
  [[ -n "$(installed_version "$package")" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "install-deps: everything is installed"
  exit 0
fi

command -v apt-get >/dev/null || fail "apt-get not found: install by hand: ${missing[*]}"
as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || fail "run as root, or install sudo; missing: ${missing[*]}"
  as_root=(sudo)
fi
as_root+=(env DEBIAN_FRONTEND=noninteractive)

echo "install-deps: installing ${missing[*]}"
# A source list of somebody else that cannot be reached is no reason to stop; a package not found is, below.
"${as_root[@]}" apt-get update -qq || echo "install-deps: apt-get update failed in part; going on" >&2

wanted=()
for package in "${missing[@]}"; do
  case " ${llvm_packages[*]} " in
  *" $package "*) wanted+=("$package=1:$llvm_version.*") ;;
  *) wanted+=("$package") ;;
  esac
done
"${as_root[@]}" apt-get install -qq -y --no-install-recommends "${wanted[@]}" </dev/null >/dev/null ||
  fail "apt-get could not install: ${wanted[*]}"

for package in "${llvm_packages[@]}"; do
  version=$(installed_version "$package")
  is_wanted_llvm "$version" || fail "$package: expected version $llvm_version.*, got ${version:-none}"
done
