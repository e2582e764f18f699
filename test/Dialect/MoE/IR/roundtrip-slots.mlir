// RUN: moe-opt %s --verify-roundtrip --allow-unregistered-dialect | FileCheck %s

// CHECK-LABEL: func.func @slots
// CHECK: %slot_rows = moe.slot_matmul %{{.*}} tokens ids %{{.*}} weights %{{.*}}, %{{.*}} : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>, tensor<8x6x4xf32> outs(%{{.*}} : tensor<?x6xf32>) -> tensor<?x6xf32>
// CHECK-NEXT: ^bb0(%acc: f32, %acc_{{[0-9]}}: f32):
// CHECK: %slot_rows_{{[0-9]}} = moe.slot_matmul %slot_rows ids %{{.*}} weights %{{.*}} columns %{{.*}} scalars %{{.*}} config <level = "avx2", columns = 16, rows = [1], k_group = 1, vector = 8>
// CHECK-NEXT: ^bb0(%acc: f32, %column: f32, %scalar: f32):
func.func @slots(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %a: tensor<8x6x4xf32>, %b: tensor<8x6x4xf32>,
                 %d: tensor<8x4x6xf32>, %c: tensor<8x4xf32>, %s: tensor<?xf32>, %i: tensor<?x6xf32>, %o: tensor<?x4xf32>)
    -> tensor<?x4xf32> {
  %h = moe.slot_matmul %x tokens ids %ids weights %a, %b
      : tensor<?x4xf32> ids tensor<?x2xi32> weights tensor<8x6x4xf32>, tensor<8x6x4xf32>
      outs(%i : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%p: f32, %q: f32):
    %v = arith.mulf %p, %q : f32
    moe.yield %v : f32
  }
  %y = moe.slot_matmul %h ids %ids weights %d columns %c scalars %s
      config <level = "avx2", columns = 16, rows = [1], k_group = 1, vector = 8>
      : tensor<?x6xf32> ids tensor<?x2xi32> weights tensor<8x4x6xf32> columns tensor<8x4xf32> scalars tensor<?xf32>
      outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %v = arith.addf %p, %q : f32
    %w = arith.mulf %v, %r : f32
    moe.yield %w : f32
  }
  return %y : tensor<?x4xf32>
}

// CHECK: "test.op"() {v = #moe.variants<<single_row from 0, 5210 ns>, <grouped from 3, 14950 ns>>}
// CHECK: "test.op"() {v = #moe.variant<single_row from 7, 0 ns>}
"test.op"() {v = #moe.variants<<single_row from 0, 5210 ns>, <grouped from 3, 14950 ns>>} : () -> ()
"test.op"() {v = #moe.variant<single_row from 7, 0 ns>} : () -> ()
