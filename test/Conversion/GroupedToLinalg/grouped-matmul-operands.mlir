// RUN: moe-opt %s --convert-grouped-to-linalg --split-input-file | FileCheck %s

// What the operands besides rows and weights become: gathered rows, two matrices in one product, vectors of the columns
// and scalars of the rows in the epilogue, rows scattered.
// CHECK: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK: #[[$BOTH:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK: #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @all
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[TOKENS:.*]]: tensor<?xindex>, %[[A:.*]]: tensor<8x64x4xf32>, %[[B:.*]]: tensor<8x64x4xf32>, %[[OFFSETS:.*]]: tensor<9xindex>, %[[BIAS:.*]]: tensor<8x64xf32>, %[[SLOTS:.*]]: tensor<?xindex>, %[[SCALE:.*]]: tensor<?xf32>
// CHECK: scf.forall
// CHECK: scf.for %[[I:.*]] = {{.*}} iter_args(%[[OUT:.*]] =
// CHECK: %[[E:.*]] = arith.divui %[[I]],
// CHECK: %[[N:.*]] = affine.apply
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[OUT]][0, %[[N]]]
// CHECK: %[[FIRST:.*]] = tensor.extract %[[OFFSETS]][%[[E]]]
// CHECK: %[[M:.*]] = arith.subi
// CHECK: %[[WA:.*]] = tensor.extract_slice %[[A]][%[[E]], %[[N]], 0]
// CHECK: %[[WB:.*]] = tensor.extract_slice %[[B]][%[[E]], %[[N]], 0]
// CHECK: %[[VECTOR:.*]] = tensor.extract_slice %[[BIAS]][%[[E]], %[[N]]] [1, 32] [1, 1] : tensor<8x64xf32> to tensor<32xf32>

// Gathered: row i of the tile is the row that the i-th token names.
// CHECK: %[[T:.*]] = tensor.extract_slice %[[TOKENS]][%[[FIRST]]] [%[[M]]]
// CHECK: %[[ROWS:.*]] = linalg.generic {indexing_maps = [#[[$ROW]], #[[$BOTH]]]{{.*}} ins(%[[T]] : tensor<?xindex>)
// CHECK: ^bb0(%[[TOKEN:.*]]: index, %{{.*}}: f32):
// CHECK: %[[K:.*]] = linalg.index 1
// CHECK: tensor.extract %[[X]][%[[TOKEN]], %[[K]]]

// Both products in one op, so that rows are read once.
// CHECK: %[[P:.*]]:2 = linalg.generic {{.*}} ins(%[[ROWS]], %[[WA]], %[[WB]] :
// CHECK-SAME: attrs = {moe.tile_product}

// Scattered: a scalar is read where the row of the result goes.
// CHECK: %[[S:.*]] = tensor.extract_slice %[[SLOTS]][%[[FIRST]]] [%[[M]]]
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[$BOTH]], #[[$BOTH]], #[[$COLUMN]], #[[$ROW]], #[[$BOTH]]]
// CHECK-SAME: ins(%[[P]]#0, %[[P]]#1, %[[VECTOR]], %[[S]] :
// CHECK: ^bb0(%[[P0:.*]]: f32, %[[P1:.*]]: f32, %[[V:.*]]: f32, %[[SLOT:.*]]: index, %{{.*}}: bf16):
// CHECK: %[[W:.*]] = tensor.extract %[[SCALE]][%[[SLOT]]]
// CHECK: %[[BIASED:.*]] = arith.addf %[[P0]], %[[V]]
// CHECK: %[[GATED:.*]] = arith.mulf %[[BIASED]], %[[P1]]
// CHECK: %[[WEIGHTED:.*]] = arith.mulf %[[GATED]], %[[W]]
// CHECK: arith.truncf %[[WEIGHTED]] : f32 to bf16
// CHECK: scf.for %[[I:.*]] = {{.*}} to %[[M]] {{.*}} iter_args(%[[INTO:.*]] = %[[PART]])
// CHECK: %[[R:.*]] = arith.addi %[[FIRST]], %[[I]]
// CHECK: %[[TO:.*]] = tensor.extract %[[SLOTS]][%[[R]]]
// CHECK: %[[ONE:.*]] = tensor.extract_slice %[[Y]][%[[I]], 0] [1, 32]
// CHECK: tensor.insert_slice %[[ONE]] into %[[INTO]][%[[TO]], 0] [1, 32]
// CHECK: } {moe.tile_scatter}
func.func @all(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %a: tensor<8x64x4xf32>, %b: tensor<8x64x4xf32>,
               %offsets: tensor<9xindex>, %bias: tensor<8x64xf32>, %slots: tensor<?xindex>, %scale: tensor<?xf32>,
               %init: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %y = moe.grouped_matmul %x gather %tokens weights %a, %b offsets %offsets columns %bias scalars %scale scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x64x4xf32>, tensor<8x64x4xf32> offsets tensor<9xindex>
        columns tensor<8x64xf32> scalars tensor<?xf32> scatter tensor<?xindex>
      outs(%init : tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  ^bb0(%g: f32, %u: f32, %c: f32, %s: f32):
    %0 = arith.addf %g, %c : f32
    %1 = arith.mulf %0, %u : f32
    %2 = arith.mulf %1, %s : f32
    %3 = arith.truncf %2 : f32 to bf16
    moe.yield %3 : bf16
  }
  return %y : tensor<?x64xbf16>
}

// -----

// Not scattered: scalars are in the order of the sorted rows, too.
// CHECK-LABEL: func.func @scalars_in_order
// CHECK-SAME: %[[SCALE:[^:]*]]: tensor<?xf32>
// CHECK: %[[FIRST:.*]] = tensor.extract %
// CHECK: %[[M:.*]] = arith.subi
// CHECK: %[[S:.*]] = tensor.extract_slice %[[SCALE]][%[[FIRST]]] [%[[M]]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[S]] : tensor<?x32xf32>, tensor<?xf32>)
// CHECK-NOT: moe.tile_scatter
func.func @scalars_in_order(%scale: tensor<?xf32>, %x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>,
                            %offsets: tensor<9xindex>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets scalars %scale
      : tensor<?x4xf32> weights tensor<8x64x4xf32> offsets tensor<9xindex> scalars tensor<?xf32>
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%acc: f32, %s: f32):
    %0 = arith.mulf %acc, %s : f32
    moe.yield %0 : f32
  }
  return %y : tensor<?x64xf32>
}
