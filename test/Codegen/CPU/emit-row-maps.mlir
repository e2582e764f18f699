// RUN: moe-opt %s --moe-emit-row-maps --canonicalize --cse --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-emit-row-maps --remarks-filter=moe-emit-row-maps --split-input-file -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: not moe-opt %s --moe-emit-row-maps=level=pdp11 --split-input-file 2>&1 | FileCheck %s --check-prefix=LEVEL
// LEVEL: error: unknown machine level: pdp11

// CHECK-LABEL: func.func @sum
// CHECK-NOT: linalg.generic
// CHECK: scf.for %{{.*}} = %c0 to %c24 step %c8
// CHECK-COUNT-2: vector.transfer_read
// CHECK: vector.transfer_write
#id = affine_map<(t, d) -> (t, d)>
func.func @sum(%a: tensor<?x24xf32>, %b: tensor<?x24xbf16>, %init: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<?x24xf32>, tensor<?x24xbf16>) outs(%init : tensor<?x24xf32>) attrs = {moe.row_map} {
  ^bb0(%u: f32, %v: bf16, %old: f32):
    %w = arith.extf %v : bf16 to f32
    %s = arith.addf %u, %w : f32
    linalg.yield %s : f32
  } -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
// -----

// 11 columns: one whole vector, and 3 columns of the next. A vector of the columns is read once for each strip.
#id = affine_map<(t, d) -> (t, d)>
#column = affine_map<(t, d) -> (d)>
// CHECK-LABEL: func.func @bias
// CHECK-SAME: %[[A:.*]]: tensor<?x11xf32>, %[[BIAS:.*]]: tensor<11xf32>
// CHECK: scf.for %[[ROW:[^ ]*]] =
// CHECK: vector.transfer_read %[[A]][%[[ROW]], %c0], %{{.*}} {in_bounds = [true]}
// CHECK: vector.transfer_read %[[BIAS]][%c0], %{{.*}} {in_bounds = [true]}
// CHECK: vector.transfer_write {{.*}} {in_bounds = [true]}
// CHECK: vector.transfer_read %[[A]][%[[ROW]], %c8], %{{[^ ]*}} :
// CHECK: vector.transfer_read %[[BIAS]][%c8], %{{[^ ]*}} :
// CHECK: vector.transfer_write %{{[^ ]*}}, %{{[^ ]*}}[%[[ROW]], %c8] :
func.func @bias(%a: tensor<?x11xf32>, %bias: tensor<11xf32>, %init: tensor<?x11xf32>) -> tensor<?x11xf32> {
  %y = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a, %bias : tensor<?x11xf32>, tensor<11xf32>) outs(%init : tensor<?x11xf32>) attrs = {moe.row_map} {
  ^bb0(%u: f32, %v: f32, %old: f32):
    %s = arith.addf %u, %v : f32
    linalg.yield %s : f32
  } -> tensor<?x11xf32>
  return %y : tensor<?x11xf32>
}

// -----

// A body that reads the output has no place for it; the op stays, and becomes plain loops.
#id = affine_map<(t, d) -> (t, d)>
// REMARK: [Missed] no vector loop | Category:moe-emit-row-maps | {{.*}}Reason="the body cannot run on vectors"
// CHECK-LABEL: func.func @reads_output
// CHECK: moe.row_map
func.func @reads_output(%a: tensor<?x8xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x8xf32>) outs(%init : tensor<?x8xf32>) attrs = {moe.row_map} {
  ^bb0(%u: f32, %old: f32):
    %s = arith.addf %u, %old : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
