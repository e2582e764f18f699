// RUN: moe-opt %s --moe-raise-masked-dense --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-raise-masked-dense --remarks-filter=moe-raise-masked-dense --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] raised | Category:moe-raise-masked-dense | Function=masked | Remark="8 experts for every row into 2 for each"
// CHECK-LABEL: func.func @masked(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>, %[[UP:.*]]: tensor<8x6x4xf32>, %[[DOWN:.*]]: tensor<8x4x6xf32>)
// CHECK: %[[KNOWN:.*]] = linalg.generic {{.*}} ins(%[[IDS]] : tensor<?x2xi32>)
// CHECK: arith.cmpi ult
// CHECK: %[[ROUTING:.*]] = moe.make_routing %[[KNOWN]], %[[W]]
// CHECK: %[[ROWS:.*]] = moe.dispatch %[[X]] by %[[ROUTING]]
// CHECK: %[[Y:.*]] = moe.experts %[[ROWS]] weights %[[UP]], %[[DOWN]]
// CHECK-NEXT: ^bb0(%[[R:.*]]: tensor<?x4xf32>, %[[U:.*]]: tensor<6x4xf32>, %[[D:.*]]: tensor<4x6xf32>):
// CHECK: %[[H:.*]] = moe.linear %[[R]], %[[U]]
// CHECK: %[[A:.*]] = moe.map %[[H]]
// CHECK: arith.maximumf
// CHECK: %[[P:.*]] = moe.linear %[[A]], %[[D]]
// CHECK: moe.yield %[[P]]
// CHECK: %[[OUT:.*]] = moe.combine %[[Y]] by %[[ROUTING]] weighted_sum
// CHECK-NEXT: return %[[OUT]]
#rows = affine_map<(e, t, n, k) -> (t, k)>
#hidden = affine_map<(e, t, n, k) -> (e, t, k)>
#matrix = affine_map<(e, t, n, k) -> (e, n, k)>
#product = affine_map<(e, t, n, k) -> (e, t, n)>
#choice = affine_map<(t, e, k) -> (t, k)>
#mask = affine_map<(t, e, k) -> (t, e)>
#masked = affine_map<(t, d, e) -> (t, e)>
#outputs = affine_map<(t, d, e) -> (e, t, d)>
#sum = affine_map<(t, d, e) -> (t, d)>
func.func @masked(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %up: tensor<8x6x4xf32>,
                  %down: tensor<8x4x6xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %h0 = tensor.empty(%n) : tensor<8x?x6xf32>
  %hz = linalg.fill ins(%zero : f32) outs(%h0 : tensor<8x?x6xf32>) -> tensor<8x?x6xf32>
  %h = linalg.generic {indexing_maps = [#rows, #matrix, #product],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %up : tensor<?x4xf32>, tensor<8x6x4xf32>) outs(%hz : tensor<8x?x6xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x?x6xf32>
  %relu = arith.maximumf %h, %hz : tensor<8x?x6xf32>
  %y0 = tensor.empty(%n) : tensor<8x?x4xf32>
  %yz = linalg.fill ins(%zero : f32) outs(%y0 : tensor<8x?x4xf32>) -> tensor<8x?x4xf32>
  %y = linalg.generic {indexing_maps = [#hidden, #matrix, #product],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%relu, %down : tensor<8x?x6xf32>, tensor<8x4x6xf32>) outs(%yz : tensor<8x?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x?x4xf32>
  %m0 = tensor.empty(%n) : tensor<?x8xf32>
  %mz = linalg.fill ins(%zero : f32) outs(%m0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %mask = linalg.generic {indexing_maps = [#choice, #choice, #mask],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ids, %w : tensor<?x2xi32>, tensor<?x2xf32>) outs(%mz : tensor<?x8xf32>) {
  ^bb0(%id: i32, %v: f32, %acc: f32):
    %e = linalg.index 1 : index
    %number = arith.index_cast %e : index to i32
    %here = arith.cmpi eq, %id, %number : i32
    %one = arith.select %here, %v, %zero : f32
    %s = arith.addf %acc, %one : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  %o0 = tensor.empty(%n) : tensor<?x4xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%o0 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %out = linalg.generic {indexing_maps = [#masked, #outputs, #sum],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%mask, %y : tensor<?x8xf32>, tensor<8x?x4xf32>) outs(%oz : tensor<?x4xf32>) {
  ^bb0(%v: f32, %a: f32, %acc: f32):
    %p = arith.mulf %v, %a : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// The mask in two ops, from ids of another width; rows are broadcast, gate and up are multiplied, biases added; the
// product with the mask and the sum are two ops, and so is the mask's broadcast. The routing's ids are a number of rows.
// REMARK: Function=gated | Remark="8 experts for every row into 2 for each"
// CHECK-LABEL: func.func @gated(
// CHECK-NOT: tensor<8x5
// CHECK: moe.make_routing %{{.*}}, %{{.*}} : tensor<5x2xi32>, tensor<5x2xf32> -> !moe.routing<8, 2, f32>
// CHECK: moe.experts %{{.*}} weights %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
// CHECK-NEXT: ^bb0(%[[R:.*]]: tensor<?x4xbf16>, %[[G:.*]]: tensor<6x4xbf16>, %[[B:.*]]: tensor<6xf32>, %[[U:.*]]: tensor<6x4xbf16>, %[[D:.*]]: tensor<4x6xbf16>):
// CHECK-NOT: linalg
// CHECK-DAG: %[[P:.*]] = moe.linear %[[R]], %[[G]] : {{.*}} -> tensor<?x6xf32>
// CHECK-DAG: %[[Q:.*]] = moe.linear %[[R]], %[[U]] : {{.*}} -> tensor<?x6xf32>
// CHECK: %[[H:.*]] = moe.map %[[P]], %[[Q]], %[[B]] : {{.*}} -> tensor<?x6xbf16>
// CHECK: math.tanh
// CHECK: arith.mulf
// CHECK: arith.truncf
// CHECK: %[[Y:.*]] = moe.linear %[[H]], %[[D]] : {{.*}} -> tensor<?x4xf32>
// CHECK-NEXT: moe.yield %[[Y]]
// CHECK: moe.combine
#batch = affine_map<(e, t, n, k) -> (e, t, k)>
#matrix = affine_map<(e, t, n, k) -> (e, n, k)>
#result = affine_map<(e, t, n, k) -> (e, t, n)>
func.func @gated(%x: tensor<5x4xbf16>, %ids: tensor<5x2xi64>, %w: tensor<5x2xf32>, %gate: tensor<8x6x4xbf16>,
                 %bias: tensor<8x6xf32>, %up: tensor<8x6x4xbf16>, %down: tensor<8x4x6xbf16>) -> tensor<5x4xf32> {
  %h0 = arith.constant dense<0.0> : tensor<5x2x8xf32>
  %m0 = arith.constant dense<0.0> : tensor<5x8xf32>
  %f0 = arith.constant dense<0.0> : tensor<8x5x6xf32>
  %y0 = arith.constant dense<0.0> : tensor<8x5x4xf32>
  %o0 = arith.constant dense<0.0> : tensor<5x4xf32>
  %x0 = tensor.empty() : tensor<8x5x4xbf16>
  %b0 = tensor.empty() : tensor<8x5x6xf32>
  %w0 = tensor.empty() : tensor<5x8x4xf32>
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
  %wide = linalg.broadcast ins(%x : tensor<5x4xbf16>) outs(%x0 : tensor<8x5x4xbf16>) dimensions = [0]
  %g = linalg.generic {indexing_maps = [#batch, #matrix, #result],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%wide, %gate : tensor<8x5x4xbf16>, tensor<8x6x4xbf16>) outs(%f0 : tensor<8x5x6xf32>) {
  ^bb0(%a: bf16, %b: bf16, %acc: f32):
    %c = arith.extf %a : bf16 to f32
    %d = arith.extf %b : bf16 to f32
    %p = arith.mulf %c, %d : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x6xf32>
  %u = linalg.generic {indexing_maps = [#batch, #matrix, #result],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%wide, %up : tensor<8x5x4xbf16>, tensor<8x6x4xbf16>) outs(%f0 : tensor<8x5x6xf32>) {
  ^bb0(%a: bf16, %b: bf16, %acc: f32):
    %c = arith.extf %a : bf16 to f32
    %d = arith.extf %b : bf16 to f32
    %p = arith.mulf %c, %d : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x6xf32>
  %wb = linalg.broadcast ins(%bias : tensor<8x6xf32>) outs(%b0 : tensor<8x5x6xf32>) dimensions = [1]
  %gb = arith.addf %g, %wb : tensor<8x5x6xf32>
  %act = math.tanh %gb : tensor<8x5x6xf32>
  %both = arith.mulf %act, %u : tensor<8x5x6xf32>
  %h = arith.truncf %both : tensor<8x5x6xf32> to tensor<8x5x6xbf16>
  %y = linalg.generic {indexing_maps = [#batch, #matrix, #result],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%h, %down : tensor<8x5x6xbf16>, tensor<8x4x6xbf16>) outs(%y0 : tensor<8x5x4xf32>) {
  ^bb0(%a: bf16, %b: bf16, %acc: f32):
    %c = arith.extf %a : bf16 to f32
    %d = arith.extf %b : bf16 to f32
    %p = arith.mulf %c, %d : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x5x4xf32>
  %mw = linalg.broadcast ins(%mask : tensor<5x8xf32>) outs(%w0 : tensor<5x8x4xf32>) dimensions = [2]
  %e0 = tensor.empty() : tensor<8x5x4xf32>
  %turned = linalg.transpose ins(%mw : tensor<5x8x4xf32>) outs(%e0 : tensor<8x5x4xf32>) permutation = [1, 0, 2]
  %masked = arith.mulf %y, %turned : tensor<8x5x4xf32>
  %out = linalg.reduce {arith.addf} ins(%masked : tensor<8x5x4xf32>) outs(%o0 : tensor<5x4xf32>) dimensions = [0]
  return %out : tensor<5x4xf32>
}

// -----

// Ids and weights of a routing are that routing. Dimensions in another order: rows before experts.
// CHECK-LABEL: func.func @routed(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[ROUTING:[^:]*]]: !moe.routing<8, 2, f32>
// CHECK-NOT: make_routing
// CHECK: moe.dispatch %[[X]] by %[[ROUTING]]
// CHECK: moe.linear
// CHECK: moe.combine %{{.*}} by %[[ROUTING]] weighted_sum
#rows = affine_map<(t, e, n, k) -> (t, k)>
#matrix = affine_map<(t, e, n, k) -> (e, n, k)>
#result = affine_map<(t, e, n, k) -> (t, e, n)>
func.func @routed(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>, %m: tensor<8x3x4xf32>) -> tensor<?x3xf32> {
  %ids, %w = moe.unpack_routing %r : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %y0 = tensor.splat %zero[%n] : tensor<?x8x3xf32>
  %m0 = tensor.splat %zero[%n] : tensor<8x?xf32>
  %o0 = tensor.splat %zero[%n] : tensor<?x3xf32>
  %y = linalg.generic {indexing_maps = [#rows, #matrix, #result],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %m : tensor<?x4xf32>, tensor<8x3x4xf32>) outs(%y0 : tensor<?x8x3xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x8x3xf32>
  %numbers = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xi32>
  %mask = linalg.generic {indexing_maps = [affine_map<(e, t, k) -> (e)>, affine_map<(e, t, k) -> (t, k)>,
                                           affine_map<(e, t, k) -> (t, k)>, affine_map<(e, t, k) -> (e, t)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%numbers, %ids, %w : tensor<8xi32>, tensor<?x2xi32>, tensor<?x2xf32>) outs(%m0 : tensor<8x?xf32>) {
  ^bb0(%e: i32, %id: i32, %v: f32, %acc: f32):
    %here = arith.cmpi eq, %e, %id : i32
    %wide = arith.extui %here : i1 to i32
    %one = arith.sitofp %wide : i32 to f32
    %p = arith.mulf %v, %one : f32
    %s = arith.addf %p, %acc : f32
    linalg.yield %s : f32
  } -> tensor<8x?xf32>
  %out = linalg.generic {indexing_maps = [affine_map<(t, e, d) -> (t, e, d)>, affine_map<(t, e, d) -> (e, t)>,
                                          affine_map<(t, e, d) -> (t, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%y, %mask : tensor<?x8x3xf32>, tensor<8x?xf32>) outs(%o0 : tensor<?x3xf32>) {
  ^bb0(%a: f32, %v: f32, %acc: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x3xf32>
  return %out : tensor<?x3xf32>
}
