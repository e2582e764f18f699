// RUN: moe-opt %s --moe-round-before-gather --canonicalize --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-round-before-gather --remarks-filter=moe-round-before-gather --split-input-file -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-round-before-gather | {{.*}}Remark="rows are rounded before they are gathered"
// CHECK-LABEL: func.func @round
// CHECK-SAME: %[[X:.*]]: tensor<?x4xbf16>, %[[TOKENS:.*]]: tensor<?xindex>
// CHECK: %[[Q:.*]] = moe.round_rows %[[X]] : tensor<?x4xbf16> -> tensor<?x4xf32>
// CHECK: %[[INIT:.*]] = tensor.empty(%{{.*}}) : tensor<?x4xf32>
// CHECK: moe.gather %[[Q]] at %[[TOKENS]] : tensor<?x4xf32>, tensor<?xindex> outs(%[[INIT]]
func.func @round(%x: tensor<?x4xbf16>, %tokens: tensor<?xindex>, %a: tensor<?x4xbf16>) -> tensor<?x4xf32> {
  %rows = moe.gather %x at %tokens : tensor<?x4xbf16>, tensor<?xindex>
      outs(%a : tensor<?x4xbf16>) -> tensor<?x4xbf16>
  %q = moe.round_rows %rows : tensor<?x4xbf16> -> tensor<?x4xf32>
  return %q : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not fused | Category:moe-round-before-gather | {{.*}}Reason="the rows are weighted on the way, so that each copy is another row"
// CHECK-LABEL: func.func @weighted
// CHECK: %[[ROWS:.*]] = moe.gather
// CHECK: moe.round_rows %[[ROWS]]
func.func @weighted(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %w: tensor<?xf32>, %slots: tensor<?xindex>,
                    %a: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %rows = moe.gather %x at %tokens weights %w slots %slots
      : tensor<?x4xf32>, tensor<?xindex> weights tensor<?xf32> slots tensor<?xindex>
      outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  %q = moe.round_rows %rows : tensor<?x4xf32> -> tensor<?x4xf32>
  return %q : tensor<?x4xf32>
}
