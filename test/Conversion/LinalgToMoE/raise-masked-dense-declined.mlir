// RUN: moe-opt %s --moe-raise-masked-dense --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-raise-masked-dense --remarks-filter=moe-raise-masked-dense --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// What is not seen to be experts of rows under sparse weights stays as it is, and a remark says why.

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=every | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @every(
// CHECK-NOT: moe.
func.func @every(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
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
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %dense : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=less | Reason="the weights are not seen to be a sum of ids' tests times weights, over the slots of a row: every expert counts"
// CHECK-LABEL: func.func @less(
// CHECK-NOT: moe.
func.func @less(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi ule, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
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

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=other | Reason="what all experts give for all rows has another user"
// CHECK-LABEL: func.func @other(
// CHECK-NOT: moe.
func.func @other(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>, tensor<8x5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi eq, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out, %y : tensor<5x4xf32>, tensor<8x5x4xf32>
}

// -----

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=elsewhere | Reason="what all experts give for all rows comes from elsewhere"
// CHECK-LABEL: func.func @elsewhere(
// CHECK-NOT: moe.
func.func @elsewhere(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi eq, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>

  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (e, t, d)>, affine_map<(t, e, d) -> (t, e)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%wide, %mask : tensor<8x5x4xf32>, tensor<5x8xf32>) outs(%o0 : tensor<5x4xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// -----

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=softmax | Reason="'linalg.softmax' is not known to compute row by row"
// CHECK-LABEL: func.func @softmax(
// CHECK-NOT: moe.
func.func @softmax(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi eq, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %y = linalg.softmax dimension(1) ins(%z : tensor<8x5x4xf32>) outs(%y0 : tensor<8x5x4xf32>) -> tensor<8x5x4xf32>
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

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=number | Reason="it computes from the number of a row or an expert"
// CHECK-LABEL: func.func @number(
// CHECK-NOT: moe.
func.func @number(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi eq, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<5x4xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n) -> (e, t, n)>, affine_map<(e, t, n) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%z : tensor<8x5x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %unused: f32):
    %t = linalg.index 1 : index
    %i = arith.index_cast %t : index to i32
    %f = arith.sitofp %i : i32 to f32
    %p = arith.mulf %a, %f : f32
    linalg.yield %p : f32
  } -> tensor<8x5x4xf32>
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

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=columns | Reason="it takes rows in another form than floats [T, D], D known"
// CHECK-LABEL: func.func @columns(
// CHECK-NOT: moe.
func.func @columns(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi eq, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %e0 = tensor.empty() : tensor<4x5xf32>
  %xt = linalg.transpose ins(%x : tensor<5x4xf32>) outs(%e0 : tensor<4x5xf32>) permutation = [1, 0]
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (k, t)>, affine_map<(e, t, n, k) -> (e, n, k)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%xt, %m : tensor<4x5xf32>, tensor<8x4x4xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
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

// REMARK: [Missed] not raised | Category:moe-raise-masked-dense | Function=last | Reason="it takes weights in another form than floats [E, N, K] or [E, N]"
// CHECK-LABEL: func.func @last(
// CHECK-NOT: moe.
func.func @last(%wide: tensor<8x5x4xf32>, %x: tensor<5x4xf32>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %m: tensor<8x4x4xf32>,
    %dense: tensor<5x8xf32>) -> (tensor<5x4xf32>) {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %hot = linalg.generic {indexing_maps = [affine_map<(t, k, e) -> (t, k)>, affine_map<(t, k, e) -> (t, k, e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<5x2xi64>) outs(%h0 : tensor<5x2x8xf32>) {
  ^bb0(%id: i64, %unused: f32):
    %e = linalg.index 2 : index
    %number = arith.index_cast %id : i64 to index
    %here = arith.cmpi eq, %e, %number : index
    %one = arith.uitofp %here : i1 to f32
    linalg.yield %one : f32
  } -> tensor<5x2x8xf32>
  %mask = linalg.generic {indexing_maps = [affine_map<(t, e, k) -> (t, k, e)>, affine_map<(t, e, k) -> (t, k)>,
                                           affine_map<(t, e, k) -> (t, e)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%hot, %w : tensor<5x2x8xf32>, tensor<5x2xf32>) outs(%m0 : tensor<5x8xf32>) {
  ^bb0(%h: f32, %v: f32, %acc: f32):
    %p = arith.mulf %h, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x8xf32>
  %e0 = tensor.empty() : tensor<4x4x8xf32>
  %last = linalg.transpose ins(%m : tensor<8x4x4xf32>) outs(%e0 : tensor<4x4x8xf32>) permutation = [1, 2, 0]
  %y = linalg.generic {indexing_maps = [affine_map<(e, t, n, k) -> (t, k)>, affine_map<(e, t, n, k) -> (n, k, e)>,
                                        affine_map<(e, t, n, k) -> (e, t, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %last : tensor<5x4xf32>, tensor<4x4x8xf32>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
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
