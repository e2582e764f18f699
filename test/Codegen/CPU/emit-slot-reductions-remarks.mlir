// RUN: moe-opt %s --moe-emit-slot-reductions --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-emit-slot-reductions --remarks-filter=moe-emit-slot-reductions --split-input-file \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not moe-opt %s --moe-emit-slot-reductions=level=pdp11 --split-input-file 2>&1 | FileCheck %s --check-prefix=LEVEL
// LEVEL: error: unknown machine level: pdp11

// REMARK: [Missed] no vector loop | {{.*}}Reason="the combination does not start from a constant"
// CHECK-LABEL: func.func @no_start
// CHECK: moe.slot_reduction
#slots = affine_map<(t, d, k) -> (t, k, d)>
#result = affine_map<(t, d, k) -> (t, d)>
func.func @no_start(%cube: tensor<4x2x8xf32>, %start: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %sum = linalg.generic {indexing_maps = [#slots, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%cube : tensor<4x2x8xf32>) outs(%start : tensor<4x8xf32>) attrs = {moe.slot_reduction} {
  ^bb0(%y: f32, %acc: f32):
    %next = arith.addf %acc, %y : f32
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  return %sum : tensor<4x8xf32>
}

// -----

// REMARK: [Missed] no vector loop | {{.*}}Reason="the body of the combination cannot run on vectors"
// CHECK-LABEL: func.func @branches
// CHECK: moe.slot_reduction
#slots = affine_map<(t, d, k) -> (t, k, d)>
#result = affine_map<(t, d, k) -> (t, d)>
func.func @branches(%cube: tensor<4x2x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %sum = linalg.generic {indexing_maps = [#slots, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%cube : tensor<4x2x8xf32>) outs(%start : tensor<4x8xf32>) attrs = {moe.slot_reduction} {
  ^bb0(%y: f32, %acc: f32):
    %less = arith.cmpf olt, %acc, %y : f32
    %next = scf.if %less -> f32 {
      scf.yield %y : f32
    } else {
      scf.yield %acc : f32
    }
    linalg.yield %next : f32
  } -> tensor<4x8xf32>
  return %sum : tensor<4x8xf32>
}
