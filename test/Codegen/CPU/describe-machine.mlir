// RUN: moe-opt %s --moe-describe-machine --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-describe-machine=level=x86-64-v4 --split-input-file | FileCheck %s --check-prefix=V4
// RUN: not moe-opt %s --moe-describe-machine=level=pentium --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown machine level: pentium

// What the module says stays.
// CHECK: moe.machine = {flops = 96000000000 : i64, panel_columns = 16 : i64, threads = 64 : i64, tile_rows = 6 : i64}
// V4: moe.machine = {flops = 192000000000 : i64, panel_columns = 64 : i64, threads = 64 : i64, tile_rows = 6 : i64}
module attributes {moe.machine = {threads = 64}} {
}

// -----

// CHECK: moe.machine = {flops = 1000 : i64, panel_columns = 16 : i64, tile_rows = 6 : i64}
module attributes {moe.machine = {flops = 1000}} {
}
