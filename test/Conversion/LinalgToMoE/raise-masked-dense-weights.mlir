// RUN: moe-opt %s --moe-raise-masked-dense --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-raise-masked-dense --remarks-filter=moe-raise-masked-dense --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// How weights may be spelled, and what is no sum of ids' tests times weights: it stays as it is.

// Weights of bf16 are the routing's.
// REMARK: [Passed] raised | Category:moe-raise-masked-dense | Function=narrow_weights
// CHECK-LABEL: func.func @narrow_weights(
// CHECK: moe.make_routing %{{.*}}, %arg2 : tensor<5x2xi32>, tensor<5x2xbf16> -> !moe.routing<8, 2, bf16>
// CHECK: moe.combine
func.func @narrow_weights(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xbf16>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xbf16>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: bf16, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %wide = arith.extf %v : bf16 to f32
    %one = arith.select %here, %wide, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// A product with the test as a number, the weight of a slot twice in it: a square is no weight.
// REMARK: Function=product | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @product(
// CHECK-NOT: moe.
func.func @product(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %one = arith.uitofp %here : i1 to f32
    %p = arith.mulf %one, %v : f32
    %q = arith.mulf %p, %v : f32
    %s = arith.addf %acc, %q : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// The others count, too.
// REMARK: Function=otherwise | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @otherwise(
// CHECK-NOT: moe.
func.func @otherwise(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %half = arith.constant 0.5 : f32
    %one = arith.select %here, %v, %half : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// True is -1 as a signed number.
// REMARK: Function=signed | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @signed(
// CHECK-NOT: moe.
func.func @signed(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %one = arith.sitofp %here : i1 to f32
    %p = arith.mulf %one, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// 256 would be expert 0.
// REMARK: Function=truncated | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @truncated(
// CHECK-NOT: moe.
func.func @truncated(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %low = arith.trunci %id : i32 to i8
    %number = arith.index_cast %e : index to i8
    %here = arith.cmpi eq, %low, %number : i8
    %one = arith.select %here, %v, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// In three bits expert 7 is -1.
// REMARK: Function=few_bits | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @few_bits(
// CHECK-NOT: moe.
func.func @few_bits(%x: tensor<5x4xf32>, %ids: tensor<5x2xi3>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi3>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i3, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i3
    %here = arith.cmpi eq, %id, %number : i3
    %one = arith.select %here, %v, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// The sum does not start from 0.
// REMARK: Function=from_more | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @from_more(
// CHECK-NOT: moe.
func.func @from_more(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xf32>) outs(%more : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %one = arith.select %here, %v, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// Another number than the expert's.
// REMARK: Function=next | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @next(
// CHECK-NOT: moe.
func.func @next(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x2xi32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %c1 = arith.constant 1 : index
    %next = arith.addi %e, %c1 : index
    %number = arith.index_cast %next : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %one = arith.select %here, %v, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// K is not known.
// REMARK: Function=slots | Reason="the number of slots of a row is known at run time only"
// CHECK-LABEL: func.func @slots(
// CHECK-NOT: moe.
func.func @slots(%x: tensor<5x4xf32>, %ids: tensor<5x?xi32>, %w: tensor<5x?xf32>, %m: tensor<8x4x4xf32>, %more: tensor<5x8xf32>)
    -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<5x?xi32>, tensor<5x?xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %one = arith.select %here, %v, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}
