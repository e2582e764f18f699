// RUN: moe-opt %s --convert-grouped-to-linalg --split-input-file | FileCheck %s

// One task is a block of rows: their logits panel by panel of experts, then the selection of each row. 40 experts are
// no multiple of the default panel of 32.
// CHECK: #[[$BLOCK:.*]] = affine_map<(d0)[s0] -> (16, -d0 + s0)>
// CHECK: #[[$PANEL:.*]] = affine_map<(d0) -> (32, -d0 + 40)>
// CHECK-LABEL: func.func @router
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[WR:.*]]: tensor<40x64xf32>, %[[BIAS:.*]]: tensor<40xbf16>
// CHECK: scf.forall (%[[FIRST:.*]]) = (0) to (%{{.*}}) step (16) shared_outs(%[[L:.*]] = %{{.*}}, %[[I:.*]] = %{{.*}}, %[[V:.*]] = %{{.*}})
// CHECK: %[[M:.*]] = affine.min #[[$BLOCK]](%[[FIRST]])
// CHECK: %[[LB:.*]] = tensor.extract_slice %[[L]][%[[FIRST]], 0] [%[[M]], 40]
// CHECK: %[[IB:.*]] = tensor.extract_slice %[[I]][%[[FIRST]], 0] [%[[M]], 2]
// CHECK: %[[VB:.*]] = tensor.extract_slice %[[V]][%[[FIRST]], 0] [%[[M]], 2]
// CHECK: %[[LOGITS:.*]] = scf.for %[[E:.*]] = {{.*}} iter_args(%[[SOFAR:.*]] = %[[LB]])
// CHECK: %[[COLS:.*]] = affine.min #[[$PANEL]](%[[E]])
// CHECK: %[[MATRIX:.*]] = tensor.extract_slice %[[WR]][%[[E]], 0] [%[[COLS]], 64]
// CHECK: %[[VECTOR:.*]] = tensor.extract_slice %[[BIAS]][%[[E]]] [%[[COLS]]]
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[X]][%[[FIRST]], 0] [%[[M]], 64]
// CHECK: %[[P:.*]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[MATRIX]] :
// CHECK-SAME: moe.tile_product
// CHECK: linalg.generic {{.*}} ins(%[[P]], %[[VECTOR]] :
// CHECK: %[[B:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.addf %{{.*}}, %[[B]]
// CHECK: tensor.insert_slice %{{.*}} into %[[SOFAR]][0, %[[E]]] [%[[M]], %[[COLS]]]
// The selection reads logits of this block only, and writes its rows of ids and weights.
// CHECK: %[[ROUTED:[^ :]*]]:{{[0-9]}} = scf.for %[[ROW:[^ ]*]] = {{.*}} iter_args(%{{.*}} = %[[IB]], %{{.*}} = %[[VB]], {{.*}})
// CHECK: vector.transfer_read %[[LOGITS]][%[[ROW]],
// CHECK: tensor.parallel_insert_slice %[[LOGITS]] into %[[L]][%[[FIRST]], 0]
// CHECK: tensor.parallel_insert_slice %[[ROUTED]]#0 into %[[I]][%[[FIRST]], 0]
// CHECK: tensor.parallel_insert_slice %[[ROUTED]]#1 into %[[V]][%[[FIRST]], 0]
func.func @router(%x: tensor<?x64xf32>, %wr: tensor<40x64xf32>, %bias: tensor<40xbf16>, %l: tensor<?x40xf32>,
                  %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) -> (tensor<?x40xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %logits, %ids, %w = moe.router %x, %wr bias %bias select #moe.top_k<2> rank scores weigh #moe.softmax over all
      : tensor<?x64xf32>, tensor<40x64xf32> bias tensor<40xbf16>
      outs(%l, %i, %v : tensor<?x40xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x40xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return %logits, %ids, %w : tensor<?x40xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// The panel of a kernel configuration; logits in bf16 are rounded before the selection reads them, as a caller sees them.
// CHECK-LABEL: func.func @configured
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[C16]] step %[[C8]]
// CHECK: moe.tile_product = #moe.kernel_config<level = "x86-64-v3", columns = 8,
// CHECK: arith.truncf %{{.*}} : f32 to bf16
// CHECK: tensor.extract %{{.*}} : tensor<?x16xbf16>
func.func @configured(%x: tensor<?x64xbf16>, %wr: tensor<16x64xbf16>, %l: tensor<?x16xbf16>, %i: tensor<?x2xi32>,
                      %v: tensor<?x2xf32>) -> (tensor<?x16xbf16>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %logits, %ids, %w = moe.router %x, %wr select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      config <level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
      : tensor<?x64xbf16>, tensor<16x64xbf16> outs(%l, %i, %v : tensor<?x16xbf16>, tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x16xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  return %logits, %ids, %w : tensor<?x16xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// A selection alone, of logits that something else computed. 32 rows are two whole blocks.
// CHECK-LABEL: func.func @select
// CHECK-SAME: %[[LOGITS:.*]]: tensor<32x8xf32>
// CHECK: scf.forall (%[[FIRST:.*]]) = (0) to (32) step (16)
// CHECK-NOT: affine.min
// CHECK: tensor.extract_slice %[[LOGITS]][%[[FIRST]], 0] [16, 8] [1, 1] : tensor<32x8xf32> to tensor<16x8xf32>
// CHECK: scf.for
// CHECK-NOT: linalg.generic
// CHECK: tensor.parallel_insert_slice %{{.*}} : tensor<16x2xi32> into tensor<32x2xi32>
// CHECK: tensor.parallel_insert_slice %{{.*}} : tensor<16x2xf32> into tensor<32x2xf32>
func.func @select(%logits: tensor<32x8xf32>, %i: tensor<32x2xi32>, %v: tensor<32x2xf32>)
    -> (tensor<32x2xi32>, tensor<32x2xf32>) {
  %ids, %w = moe.select %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<32x8xf32> outs(%i, %v : tensor<32x2xi32>, tensor<32x2xf32>) -> tensor<32x2xi32>, tensor<32x2xf32>
  return %ids, %w : tensor<32x2xi32>, tensor<32x2xf32>
}
