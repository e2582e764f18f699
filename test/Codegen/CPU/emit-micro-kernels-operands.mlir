// RUN: moe-opt %s --convert-grouped-to-linalg --canonicalize --cse --moe-emit-micro-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Two products with the same weights in the same order have one packed argument; a product with one of the two has
// another. A product without a configuration is left for plain loops.
// CHECK: #[[$PANEL:.*]] = affine_map<(d0, d1) -> (d0 + d1)>
// CHECK-LABEL: func.func @packed_arguments
// CHECK-SAME: tensor<8x2x4x2x8xf32> {moe.packing = #moe.packing<weights = [0, 1], experts = 8, rows = 16, cols = 4, panel = 8, k_group = 1, type = f32>},
// CHECK-SAME: tensor<8x2x4x1x8xf32> {moe.packing = #moe.packing<weights = [1], experts = 8, rows = 16, cols = 4, panel = 8, k_group = 1, type = f32>})
// CHECK-COUNT-2: tensor.extract_slice %{{.*}}[%{{.*}}, %{{.*}}, 0, 0, 0] [1, 1, 4, 2, 8] {{.*}} to tensor<4x2x8xf32>
// CHECK: tensor.extract_slice {{.*}} : tensor<8x2x4x1x8xf32> to tensor<4x1x8xf32>
// CHECK: linalg.generic {{.*}} attrs = {moe.tile_product} {
func.func @packed_arguments(%x: tensor<?x4xf32>, %a: tensor<8x16x4xf32>, %b: tensor<8x16x4xf32>,
                            %offsets: tensor<9xindex>, %init: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  %p = moe.grouped_matmul %x weights %a, %b offsets %offsets
      config <level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
      : tensor<?x4xf32> weights tensor<8x16x4xf32>, tensor<8x16x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32> {
  ^bb0(%g: f32, %u: f32):
    %s = arith.mulf %g, %u : f32
    moe.yield %s : f32
  }
  %q = moe.grouped_matmul %x weights %a, %b offsets %offsets
      config <level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
      : tensor<?x4xf32> weights tensor<8x16x4xf32>, tensor<8x16x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32> {
  ^bb0(%g: f32, %u: f32):
    %s = arith.addf %g, %u : f32
    moe.yield %s : f32
  }
  %r = moe.grouped_matmul %x weights %b offsets %offsets
      config <level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
      : tensor<?x4xf32> weights tensor<8x16x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x16xf32>)
      -> tensor<?x16xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %t = moe.grouped_matmul %x weights %b offsets %offsets
      : tensor<?x4xf32> weights tensor<8x16x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x16xf32>)
      -> tensor<?x16xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %p, %q, %r, %t : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}

// -----

// Rows are gathered by the loads and scattered by the stores; a scalar is read where its row goes, a vector of columns
// whole. Each panel has 8 of 16 columns, so nothing is masked.
// CHECK-LABEL: func.func @gather_scatter
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[TOKENS:.*]]: tensor<?xindex>, %{{.*}}: tensor<8x16x4xf32>, %[[OFFSETS:.*]]: tensor<9xindex>, %[[BIAS:.*]]: tensor<8x16xf32>, %[[SLOTS:.*]]: tensor<?xindex>, %[[SCALE:.*]]: tensor<?xf32>,
// CHECK: scf.for %[[I:[^ ]*]] =
// CHECK: %[[E:.*]] = arith.divui %[[I]],
// CHECK: %[[N:.*]] = affine.apply
// CHECK: %[[FIRST:.*]] = tensor.extract %[[OFFSETS]][%[[E]]]
// CHECK: %[[VECTOR:.*]] = tensor.extract_slice %[[BIAS]][%[[E]], %[[N]]] [1, 8]
// CHECK: scf.for %[[ROW:[^ ]*]] = {{.*}} iter_args(%[[OUT:.*]] =
// CHECK: %[[SORTED:.*]] = arith.addi %[[FIRST]], %[[ROW]]
// CHECK: %[[FROM:.*]] = tensor.extract %[[TOKENS]][%[[SORTED]]]
// CHECK: %[[ACC:.*]] = scf.for %[[K:[^ ]*]] =
// CHECK: vector.transfer_read %[[X]][%[[FROM]], %[[K]]]
// CHECK: %[[TO:.*]] = tensor.extract %[[SLOTS]][%[[SORTED]]]
// CHECK: %[[B:.*]] = vector.transfer_read %[[VECTOR]][%c0]{{.*}} {in_bounds = [true]}
// CHECK: %[[S:.*]] = tensor.extract %[[SCALE]][%{{.*}}]
// CHECK: %[[BIASED:.*]] = arith.addf %[[ACC]], %[[B]] : vector<8xf32>
// CHECK: %[[W:.*]] = vector.broadcast %[[S]] : f32 to vector<8xf32>
// CHECK: %[[Y:.*]] = arith.mulf %[[BIASED]], %[[W]] : vector<8xf32>
// CHECK: vector.transfer_write %[[Y]], %[[OUT]][%[[TO]], %c0] {in_bounds = [true]}
func.func @gather_scatter(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %w: tensor<8x16x4xf32>,
                          %offsets: tensor<9xindex>, %bias: tensor<8x16xf32>, %slots: tensor<?xindex>,
                          %scale: tensor<?xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %y = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets columns %bias scalars %scale scatter %slots
      config <level = "x86-64-v3", columns = 8, rows = [1], k_group = 1, vector = 8>
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x16x4xf32> offsets tensor<9xindex>
        columns tensor<8x16xf32> scalars tensor<?xf32> scatter tensor<?xindex>
      outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32> {
  ^bb0(%acc: f32, %c: f32, %s: f32):
    %0 = arith.addf %acc, %c : f32
    %1 = arith.mulf %0, %s : f32
    moe.yield %1 : f32
  }
  return %y : tensor<?x16xf32>
}
