// RUN: moe-opt %s --moe-select-kernel-config --split-input-file | FileCheck %s --check-prefixes=CHECK,V3
// RUN: moe-opt %s --moe-select-kernel-config=level=x86-64-v4 --split-input-file | FileCheck %s --check-prefixes=CHECK,V4
// RUN: moe-opt %s --moe-select-kernel-config=level=avx512-bf16 --split-input-file \
// RUN:   | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: moe-opt %s --moe-select-kernel-config=level=amx --split-input-file | FileCheck %s --check-prefixes=CHECK,AMX
// RUN: moe-opt %s --moe-select-kernel-config=level=armv8-a --split-input-file | FileCheck %s --check-prefix=NEON
// RUN: not moe-opt %s --moe-select-kernel-config=level=sse2 --split-input-file 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: error: unknown machine level: sse2

// Two matrices share the vectors of a register tile; pairs of bf16 are multiplied where an instruction does it.
// V3: module attributes {moe.target = {cpu = "x86-64-v3", features = "", level = "x86-64-v3", required = 1 : i64,
// V4: module attributes {moe.target = {cpu = "x86-64-v4", features = "-prefer-256-bit", level = "x86-64-v4", required = 3 : i64,
// BF16: module attributes {moe.target = {cpu = "x86-64-v4", features = "+avx512bf16,+avx512vnni,-prefer-256-bit", level = "avx512-bf16", required = 15 : i64,
// AMX: module attributes {moe.target = {cpu = "x86-64-v4", features = "+avx512bf16,+avx512vnni,+amx-tile,+amx-bf16,+amx-int8,-prefer-256-bit", level = "amx", required = 127 : i64,
// NEON: module attributes {moe.target = {cpu = "generic", features = "+v8a", level = "armv8-a", required = 0 : i64, triple = "aarch64-unknown-linux-gnu"}}
// CHECK-SAME: triple = "x86_64-unknown-linux-gnu"
// CHECK-LABEL: func.func @products
// V3: config <level = "x86-64-v3", columns = 8, rows = [6, 3, 2, 1], k_group = 1, vector = 8, prefetch = 1>
// V4: config <level = "x86-64-v4", columns = 32, rows = [6, 3, 2, 1], k_group = 1, vector = 16, prefetch = 1>
// BF16: config <level = "avx512-bf16", columns = 32, rows = [6, 3, 2, 1], k_group = 2, vector = 16, prefetch = 1>
// AMX: config <level = "amx", columns = 16, rows = [32, 16], k_group = 2, vector = 16, prefetch = 8>
// NEON: config <level = "armv8-a", columns = 8, rows = [6, 3, 2, 1], k_group = 1, vector = 4, prefetch = 1>
func.func @products(%x: tensor<?x4xbf16>, %a: tensor<8x64x4xbf16>, %b: tensor<8x64x4xbf16>,
                    %offsets: tensor<9xindex>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %a, %b offsets %offsets
      : tensor<?x4xbf16> weights tensor<8x64x4xbf16>, tensor<8x64x4xbf16> offsets tensor<9xindex>
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%p: f32, %q: f32):
    %s = arith.addf %p, %q : f32
    moe.yield %s : f32
  }
  return %y : tensor<?x64xf32>
}
// -----

// One matrix has them all. Rows of bf16 and weights of f32 are not multiplied in pairs.
// CHECK-LABEL: func.func @mixed
// V3: config <level = "x86-64-v3", columns = 16,
// V4: config <level = "x86-64-v4", columns = 64,
// BF16: config <level = "avx512-bf16", columns = 64, rows = [6, 3, 2, 1], k_group = 1,
// AMX: config <level = "amx", columns = 64, rows = [6, 3, 2, 1], k_group = 1,
// NEON: config <level = "armv8-a", columns = 16,
func.func @mixed(%x: tensor<?x4xbf16>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xbf16> weights tensor<8x64x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}

// -----

// More matrices than vectors in a tile, each has one. A panel is not wider than the result needs: 3 columns, one vector.
// CHECK-LABEL: func.func @many
// V3: config <level = "x86-64-v3", columns = 8,
// V4: config <level = "x86-64-v4", columns = 16,
// BF16: config <level = "avx512-bf16", columns = 16,
// Blocks of few vectors are higher: as many sums are under way as the units need.
// CHECK-LABEL: func.func @narrow
// V3: config <level = "x86-64-v3", columns = 8, rows = [12, 6, 4, 1],
// V4: config <level = "x86-64-v4", columns = 16, rows = [12, 6, 4, 1],
// BF16: config <level = "avx512-bf16", columns = 16, rows = [12, 6, 4, 1],
func.func @many(%x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w, %w, %w, %w, %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x64x4xf32>, tensor<8x64x4xf32>, tensor<8x64x4xf32>, tensor<8x64x4xf32>,
        tensor<8x64x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %e: f32):
    moe.yield %a : f32
  }
  return %y : tensor<?x64xf32>
}
func.func @narrow(%x: tensor<?x4xf32>, %w: tensor<8x3x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x3xf32>)
    -> tensor<?x3xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x3x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x3xf32>)
      -> tensor<?x3xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x3xf32>
}

// -----

// A router is a product, too: its columns are experts.
// CHECK-LABEL: func.func @router
// V3: config <level = "x86-64-v3", columns = 16, rows = [6, 3, 2, 1], k_group = 1, vector = 8, prefetch = 1>
// V4: config <level = "x86-64-v4", columns = 32, rows = [12, 6, 4, 1], k_group = 1, vector = 16, prefetch = 1>
// BF16: config <level = "avx512-bf16", columns = 32, rows = [12, 6, 4, 1], k_group = 2, vector = 16, prefetch = 1>
func.func @router(%x: tensor<?x64xbf16>, %wr: tensor<24x64xbf16>, %l: tensor<?x24xf32>, %i: tensor<?x2xi32>,
                  %v: tensor<?x2xf32>) -> (tensor<?x24xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %logits, %ids, %w = moe.router %x, %wr select #moe.top_k<2> rank scores weigh #moe.softmax over all
      : tensor<?x64xbf16>, tensor<24x64xbf16> outs(%l, %i, %v : tensor<?x24xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x24xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return %logits, %ids, %w : tensor<?x24xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// A product over slots has the panels of the grouped one, so that both read one packed argument, and tiles of one row.
// CHECK-LABEL: func.func @slots
// V3: moe.slot_matmul {{.*}} config <level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8, prefetch = 1>
// BF16: moe.slot_matmul {{.*}} config <level = "avx512-bf16", columns = 32, rows = [1], k_group = 2, vector = 16, prefetch = 1>
func.func @slots(%x: tensor<?x4xbf16>, %a: tensor<8x64x4xbf16>, %b: tensor<8x64x4xbf16>, %ids: tensor<?x2xi32>,
                 %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = moe.slot_matmul %x tokens ids %ids weights %a, %b
      : tensor<?x4xbf16> ids tensor<?x2xi32> weights tensor<8x64x4xbf16>, tensor<8x64x4xbf16>
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%p: f32, %q: f32):
    %s = arith.addf %p, %q : f32
    moe.yield %s : f32
  }
  return %y : tensor<?x64xf32>
}

// -----

// A product at padded places has the configuration of the grouped one.
// CHECK-LABEL: func.func @padded
// V3: moe.padded_matmul {{.*}} config <level = "x86-64-v3", columns = 8, rows = [6, 3, 2, 1], k_group = 1, vector = 8, prefetch = 1>
func.func @padded(%x: tensor<16x4xbf16>, %a: tensor<8x64x4xbf16>, %b: tensor<8x64x4xbf16>, %counts: tensor<8xindex>,
                  %init: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %y = moe.padded_matmul %x weights %a, %b counts %counts capacity 2
      : tensor<16x4xbf16> weights tensor<8x64x4xbf16>, tensor<8x64x4xbf16> counts tensor<8xindex>
      outs(%init : tensor<16x64xf32>) -> tensor<16x64xf32> {
  ^bb0(%p: f32, %q: f32):
    %s = arith.addf %p, %q : f32
    moe.yield %s : f32
  }
  return %y : tensor<16x64xf32>
}
