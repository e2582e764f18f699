// RUN: moe-opt %s --verify-roundtrip --allow-unregistered-dialect | FileCheck %s

// CHECK-LABEL: func.func @padded
// CHECK: %counts, %tokens, %slots = moe.plan_padded %{{.*}} capacity 2 : tensor<?x2xi32> outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<8xindex>, tensor<16xindex>, tensor<16xindex>) -> tensor<8xindex>, tensor<16xindex>, tensor<16xindex>
// CHECK: %product = moe.padded_matmul %{{.*}} gather %tokens weights %{{.*}}, %{{.*}} counts %counts capacity 2 : tensor<?x4xf32> gather tensor<16xindex> weights tensor<8x6x4xf32>, tensor<8x6x4xf32> counts tensor<8xindex> outs(%{{.*}} : tensor<16x6xf32>) -> tensor<16x6xf32>
// CHECK-NEXT: ^bb0(%acc: f32, %acc_{{[0-9]}}: f32):
// CHECK: %slot_rows = moe.padded_matmul %product weights %{{.*}} counts %counts capacity 2 columns %{{.*}} scalars %{{.*}} scatter %slots config <level = "avx2", columns = 16, rows = [6, 3, 1], k_group = 1, vector = 8>
// CHECK-NEXT: ^bb0(%acc: f32, %column: f32, %scalar: f32):
func.func @padded(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %a: tensor<8x6x4xf32>, %b: tensor<8x6x4xf32>,
                  %d: tensor<8x4x6xf32>, %c: tensor<8x4xf32>, %s: tensor<?xf32>, %n: tensor<8xindex>,
                  %p: tensor<16xindex>, %i: tensor<16x6xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %counts, %tokens, %slots = moe.plan_padded %ids capacity 2 : tensor<?x2xi32>
      outs(%n, %p, %p : tensor<8xindex>, tensor<16xindex>, tensor<16xindex>)
      -> tensor<8xindex>, tensor<16xindex>, tensor<16xindex>
  %h = moe.padded_matmul %x gather %tokens weights %a, %b counts %counts capacity 2
      : tensor<?x4xf32> gather tensor<16xindex> weights tensor<8x6x4xf32>, tensor<8x6x4xf32> counts tensor<8xindex>
      outs(%i : tensor<16x6xf32>) -> tensor<16x6xf32> {
  ^bb0(%g: f32, %u: f32):
    %v = arith.mulf %g, %u : f32
    moe.yield %v : f32
  }
  %y = moe.padded_matmul %h weights %d counts %counts capacity 2 columns %c scalars %s scatter %slots
      config <level = "avx2", columns = 16, rows = [6, 3, 1], k_group = 1, vector = 8>
      : tensor<16x6xf32> weights tensor<8x4x6xf32> counts tensor<8xindex> columns tensor<8x4xf32>
        scalars tensor<?xf32> scatter tensor<16xindex> outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%g: f32, %u: f32, %r: f32):
    %v = arith.addf %g, %u : f32
    %w = arith.mulf %v, %r : f32
    moe.yield %w : f32
  }
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @limited
// CHECK: moe.plan %{{.*}} capacity 4 : tensor<?x2xi32>
func.func @limited(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %i: tensor<?xindex>) {
  %offsets, %tokens, %slots = moe.plan %ids capacity 4 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

// CHECK: "test.op"() {v = #moe.variants<<grouped from 0, 5210 ns>, <padded from 3, 14950 ns>>}
"test.op"() {v = #moe.variants<<grouped from 0, 5210 ns>, <padded from 3, 14950 ns>>} : () -> ()
