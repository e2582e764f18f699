// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s
// RUN: moe-opt %s --convert-grouped-to-linalg | %run_main | FileCheck %s --check-prefix=RESULT

// Each of two experts picks two of five rows in windows of three: the last window has two rows. One task is a block of
// windows of experts; scores of all rows come first where a selection needs them.
// CHECK-LABEL: func.func @select
// CHECK: %[[SCORES:.*]] = scf.forall {{.*}} shared_outs(%{{.*}} = %{{.*}}) -> (tensor<?x2xf32>)
// CHECK: arith.ceildivui
// CHECK: scf.forall {{.*}} -> (tensor<?x2xi32>, tensor<?x2xf32>)
// CHECK: tensor.extract %[[SCORES]]
func.func @select(%l: tensor<?x2xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %ids, %w = moe.select_rows %l select #moe.top_k<2, axis = row, window = 3> rank scores weigh #moe.identity over each
      scale 2.0 : tensor<?x2xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// Slots are sorted by the row that they hold; then one task is a block of rows, 16 columns and the rest at a time.
// CHECK-LABEL: func.func @combine
// CHECK: scf.forall
// CHECK: vector.transfer_read {{.*}} vector<16xf32>
// CHECK: vector.transfer_write {{.*}} vector<16xf32>
// CHECK: vector.transfer_read {{.*}} vector<1xf32>
func.func @combine(%r: tensor<?x17xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %o: tensor<?x17xf32>)
    -> (tensor<?x17xf32>, tensor<?x17xf32>, tensor<?x17xf32>) {
  %y = moe.combine_rows %r by %ids weighted_sum weights %w : tensor<?x17xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      outs(%o : tensor<?x17xf32>) -> tensor<?x17xf32>
  %m = moe.combine_rows %r by %ids mean : tensor<?x17xf32>, tensor<?x2xi32> outs(%o : tensor<?x17xf32>)
      -> tensor<?x17xf32>
  %x = moe.combine_rows %r by %ids max : tensor<?x17xf32>, tensor<?x2xi32> outs(%o : tensor<?x17xf32>)
      -> tensor<?x17xf32>
  return %y, %m, %x : tensor<?x17xf32>, tensor<?x17xf32>, tensor<?x17xf32>
}

// CHECK-LABEL: func.func @plan
// CHECK: arith.divui
// CHECK-NOT: moe.
func.func @plan(%ids: tensor<?x2xi32>, %o: tensor<3xindex>, %t: tensor<?xindex>, %s: tensor<?xindex>)
    -> (tensor<3xindex>, tensor<?xindex>, tensor<?xindex>) {
  %offsets, %tokens, %slots = moe.plan_rows %ids : tensor<?x2xi32>
      outs(%o, %t, %s : tensor<3xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<3xindex>, tensor<?xindex>, tensor<?xindex>
  return %offsets, %tokens, %slots : tensor<3xindex>, tensor<?xindex>, tensor<?xindex>
}

// Expert 0 likes rows 2 and 0, then 3 and 4, which tie; expert 1 finds a NaN in row 1, which comes last.
// RESULT: 2, 0
// RESULT-NEXT: 3, 4
// RESULT-NEXT: 0, 2
// RESULT-NEXT: 4, 3
// RESULT: 6, 2
// RESULT-NEXT: 4, 4
// RESULT-NEXT: 8, -2
// RESULT-NEXT: 10, 0
// Rows of slots are 1 to 8. Nobody picked row 1. Of row 0: 2 * 2 + 8 * 5, their mean, the larger.
// RESULT: 44,
// RESULT-NEXT: 0,
// RESULT-NEXT: -6,
// RESULT-NEXT: 12,
// RESULT-NEXT: 86,
// RESULT: 3.5,
// RESULT-NEXT: 0,
// RESULT-NEXT: 3.5,
// RESULT-NEXT: 5.5,
// RESULT-NEXT: 5.5,
// RESULT: {{\[\[}}5,
// RESULT-NEXT: -inf,
// RESULT-NEXT: 6,
// RESULT-NEXT: 8,
// RESULT-NEXT: 7,
// With one slot of expert 0 left out, the plan has three slots of it and four of the other.
// RESULT: 0, 3, 7
// RESULT: 2, 0, 4, 0, 2, 4, 3
// RESULT: 0, 1, 3, 4, 5, 6, 7
func.func private @printMemrefInd(tensor<*xindex>)
func.func private @printMemrefI32(tensor<*xi32>)
func.func private @printMemrefF32(tensor<*xf32>)
func.func @main() {
  %logits = arith.constant dense<[[1.0, 4.0], [-5.0, 0x7FC00000], [3.0, -1.0], [2.0, 0.0], [2.0, 5.0]]> : tensor<5x2xf32>
  %l = tensor.cast %logits : tensor<5x2xf32> to tensor<?x2xf32>
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c8 = arith.constant 8 : index
  %i = tensor.empty(%c4) : tensor<?x2xi32>
  %v = tensor.empty(%c4) : tensor<?x2xf32>
  %ids, %w = call @select(%l, %i, %v) : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
      -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %pi = tensor.cast %ids : tensor<?x2xi32> to tensor<*xi32>
  call @printMemrefI32(%pi) : (tensor<*xi32>) -> ()
  %pw = tensor.cast %w : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%pw) : (tensor<*xf32>) -> ()

  %e = tensor.empty(%c8) : tensor<?x17xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(s, d) -> (s, d)>], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<?x17xf32>) {
  ^bb0(%old: f32):
    %s = linalg.index 0 : index
    %n = arith.index_cast %s : index to i32
    %f = arith.sitofp %n : i32 to f32
    %one = arith.constant 1.0 : f32
    %sum = arith.addf %f, %one : f32
    linalg.yield %sum : f32
  } -> tensor<?x17xf32>
  %o = tensor.empty(%c5) : tensor<?x17xf32>
  %picked = arith.constant dense<[[2, 0], [3, 4], [0, 2], [4, 3]]> : tensor<4x2xi32>
  %factors = arith.constant dense<[[6.0, 2.0], [4.0, 4.0], [8.0, -2.0], [10.0, 0.0]]> : tensor<4x2xf32>
  %is = tensor.cast %picked : tensor<4x2xi32> to tensor<?x2xi32>
  %ws = tensor.cast %factors : tensor<4x2xf32> to tensor<?x2xf32>
  %y:3 = call @combine(%r, %is, %ws, %o) : (tensor<?x17xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x17xf32>)
      -> (tensor<?x17xf32>, tensor<?x17xf32>, tensor<?x17xf32>)
  %y0 = tensor.extract_slice %y#0[0, 15] [%c5, 2] [1, 1] : tensor<?x17xf32> to tensor<?x2xf32>
  %y1 = tensor.extract_slice %y#1[0, 15] [%c5, 2] [1, 1] : tensor<?x17xf32> to tensor<?x2xf32>
  %y2 = tensor.extract_slice %y#2[0, 15] [%c5, 2] [1, 1] : tensor<?x17xf32> to tensor<?x2xf32>
  %p0 = tensor.cast %y0 : tensor<?x2xf32> to tensor<*xf32>
  %p1 = tensor.cast %y1 : tensor<?x2xf32> to tensor<*xf32>
  %p2 = tensor.cast %y2 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%p0) : (tensor<*xf32>) -> ()
  call @printMemrefF32(%p1) : (tensor<*xf32>) -> ()
  call @printMemrefF32(%p2) : (tensor<*xf32>) -> ()

  %known = arith.constant dense<[[2, 0], [-1, 4], [0, 2], [4, 3]]> : tensor<4x2xi32>
  %fewer = tensor.cast %known : tensor<4x2xi32> to tensor<?x2xi32>
  %z = arith.constant dense<0> : tensor<3xindex>
  %places = arith.constant dense<0> : tensor<7xindex>
  %t = tensor.cast %places : tensor<7xindex> to tensor<?xindex>
  %q:3 = call @plan(%fewer, %z, %t, %t) : (tensor<?x2xi32>, tensor<3xindex>, tensor<?xindex>, tensor<?xindex>)
      -> (tensor<3xindex>, tensor<?xindex>, tensor<?xindex>)
  %q0 = tensor.cast %q#0 : tensor<3xindex> to tensor<*xindex>
  %q1 = tensor.cast %q#1 : tensor<?xindex> to tensor<*xindex>
  %q2 = tensor.cast %q#2 : tensor<?xindex> to tensor<*xindex>
  call @printMemrefInd(%q0) : (tensor<*xindex>) -> ()
  call @printMemrefInd(%q1) : (tensor<*xindex>) -> ()
  call @printMemrefInd(%q2) : (tensor<*xindex>) -> ()
  return
}
