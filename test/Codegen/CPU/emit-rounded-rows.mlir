// RUN: moe-opt %s --moe-emit-rounded-rows --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @round
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.maxui {{.*}} : vector<8xi32>
// CHECK: vector.reduction <maxui>
// CHECK: scf.for
// CHECK: arith.subf
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: vector.transfer_write
#row = affine_map<(t, d) -> (t)>
#id = affine_map<(t, d) -> (t, d)>
func.func @round(%x: tensor<?x16xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %least = arith.constant 0 : i32
  %ones = arith.constant 2147483647 : i32
  %rows = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%rows) : tensor<?xi32>
  %start = linalg.fill ins(%least : i32) outs(%empty : tensor<?xi32>) -> tensor<?xi32>
  %largest = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x16xf32>) outs(%start : tensor<?xi32>) {
  ^bb0(%a: f32, %m: i32):
    %bits = arith.bitcast %a : f32 to i32
    %magnitude = arith.andi %bits, %ones : i32
    %next = arith.maxui %m, %magnitude : i32
    linalg.yield %next : i32
  } -> tensor<?xi32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %largest : tensor<?x16xf32>, tensor<?xi32>) outs(%init : tensor<?x16xf32>)
      attrs = {moe.row_rounding} {
  ^bb0(%a: f32, %m: i32, %old: f32):
    %f = arith.bitcast %m : i32 to f32
    %s = arith.mulf %a, %f : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// 20 columns are two vectors of 8 and half of one.
// CHECK-LABEL: func.func @odd
// CHECK: vector.transfer_read {{.*}} : tensor<3x20xbf16>, vector<8xbf16>
// CHECK-NOT: in_bounds = [true]
func.func @odd(%x: tensor<3x20xbf16>) -> tensor<3x20xf32> {
  %init = tensor.empty() : tensor<3x20xf32>
  %start = arith.constant dense<0> : tensor<3xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(t, d) -> (t, d)>, affine_map<(t, d) -> (t)>,
                                        affine_map<(t, d) -> (t, d)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %start : tensor<3x20xbf16>, tensor<3xi32>) outs(%init : tensor<3x20xf32>) attrs = {moe.row_rounding} {
  ^bb0(%a: bf16, %m: i32, %old: f32):
    linalg.yield %old : f32
  } -> tensor<3x20xf32>
  return %y : tensor<3x20xf32>
}
