// RUN: moe-opt %s --convert-grouped-to-linalg --split-input-file | FileCheck %s

// Only the rows that a plan has are moved.
// CHECK-LABEL: func.func @moves
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>, %[[INDICES:[^:]*]]: tensor<?xindex>, %[[OFFSETS:[^:]*]]: tensor<5xindex>
// CHECK: %[[LAST:.*]] = arith.constant 4 : index
// CHECK: %[[COUNT:.*]] = tensor.extract %[[OFFSETS]][%[[LAST]]]
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[COUNT]]
// CHECK: %[[LAST2:.*]] = arith.constant 4 : index
// CHECK: %[[COUNT2:.*]] = tensor.extract %[[OFFSETS]][%[[LAST2]]]
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[COUNT2]]
func.func @moves(%x: tensor<?x8xf32>, %i: tensor<?xindex>, %offsets: tensor<5xindex>, %o: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %y = moe.gather %x at %i offsets %offsets : tensor<?x8xf32>, tensor<?xindex> offsets tensor<5xindex>
      outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
  %z = moe.scatter %y to %i offsets %offsets : tensor<?x8xf32>, tensor<?xindex> offsets tensor<5xindex>
      outs(%o : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}

// -----

// Rows weighted on the way: a block of sorted rows is a task, each row one elementwise op, rounded once.
// CHECK-LABEL: func.func @weighted
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xbf16>, %[[TOKENS:[^:]*]]: tensor<?xindex>, %[[W:[^:]*]]: tensor<?xbf16>, %[[SLOTS:[^:]*]]: tensor<?xindex>
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: %[[TOKEN:.*]] = tensor.extract %[[TOKENS]]
// CHECK: %[[SLOT:.*]] = tensor.extract %[[SLOTS]]
// CHECK: %[[NARROW:.*]] = tensor.extract %[[W]][%[[SLOT]]]
// CHECK: %[[WEIGHT:.*]] = arith.extf %[[NARROW]]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[X]][%[[TOKEN]], 0] [1, 8]
// CHECK: linalg.generic {{.*}} ins(%[[ROW]] : tensor<1x8xbf16>) {{.*}} attrs = {moe.row_map}
// CHECK: %[[WIDE:.*]] = arith.extf
// CHECK-NEXT: %[[PRODUCT:.*]] = arith.mulf %[[WIDE]], %[[WEIGHT]]
// CHECK-NEXT: arith.truncf %[[PRODUCT]]
func.func @weighted(%x: tensor<?x8xbf16>, %t: tensor<?xindex>, %w: tensor<?xbf16>, %s: tensor<?xindex>,
                    %o: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %y = moe.gather %x at %t weights %w slots %s : tensor<?x8xbf16>, tensor<?xindex> weights tensor<?xbf16>
      slots tensor<?xindex> outs(%o : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// -----

// A slot whose id is -1 changes nothing, whatever its row holds; a mean is over the others.
// CHECK-LABEL: func.func @mean
// CHECK: moe.slot_reduction
// CHECK: ^bb0(%[[Y:.*]]: f32, %[[ID:.*]]: i32, %[[ACC:.*]]: f32):
// CHECK: %[[SUM:.*]] = arith.addf %[[ACC]], %[[Y]]
// CHECK: %[[USED:.*]] = arith.cmpi sge, %[[ID]], %{{.*}} : i32
// CHECK: arith.select %[[USED]], %[[SUM]], %[[ACC]]
// CHECK: %[[COUNTS:.*]] = linalg.generic
// CHECK: arith.maximumf
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?xf32>)
// CHECK: arith.divf
func.func @mean(%r: tensor<?x8xf32>, %ids: tensor<?x3xi32>, %o: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.combine_slots %r 3 mean ids %ids : tensor<?x8xf32> ids tensor<?x3xi32> outs(%o : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A capacity is a matter of all rows, so it comes after the loop over their blocks.
// CHECK-LABEL: func.func @capacity
// CHECK: %[[ROUTED:.*]]:2 = scf.forall
// CHECK: %[[DROPPED:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %[[ROUTED]]#0
// CHECK: return %[[DROPPED]]#0, %[[ROUTED]]#1
func.func @capacity(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>)
    -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %ids, %w = moe.select %l select #moe.top_k<2, capacity = 4> rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// The children of a node are a row of logits of their own; those of a dropped node are dropped.
// CHECK-LABEL: func.func @within
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<?x2xi32>, %[[FACTORS:[^:]*]]: tensor<?x2xf32>, %[[L:[^:]*]]: tensor<?x8xf32>
// CHECK: scf.forall
// CHECK: %[[NODE:.*]] = tensor.extract %{{.*}} : tensor<?x2xi32>
// CHECK: %[[THERE:.*]] = arith.cmpi sge, %[[NODE]]
// CHECK: %[[KNOWN:.*]] = arith.select %[[THERE]], %[[NODE]]
// CHECK: %[[AT:.*]] = arith.index_cast %[[KNOWN]]
// CHECK: %[[BASE:.*]] = arith.muli %[[AT]]
// CHECK: tensor.extract_slice %{{.*}}[%{{.*}}, %[[BASE]]] [1, 2] [1, 1] : tensor<?x8xf32> to tensor<1x2xf32>
// CHECK: arith.select %[[THERE]]
// CHECK: arith.mulf
func.func @within(%p: tensor<?x2xi32>, %q: tensor<?x2xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
                  %v: tensor<?x2xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %ids, %w = moe.select_within %p, %q, %l nodes 4 select #moe.top_k<1> weigh #moe.sigmoid over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// Distances are summed from their differences, never as a product.
// CHECK-LABEL: func.func @distance
// CHECK: scf.forall
// CHECK: arith.subf
// CHECK: math.sqrt
// CHECK: arith.negf
func.func @distance(%x: tensor<?x4xf32>, %p: tensor<8x4xf32>) -> tensor<?x8xf32> {
  %l = moe.score.neg_distance %x, %p power 1 : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}

// -----

// Norms of the vectors come before the loop, norms of rows are part of it.
// CHECK-LABEL: func.func @cosine
// CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<8x4xf32>) {{.*}} tensor<8xf32>
// CHECK: scf.forall
// CHECK-COUNT-3: linalg.generic
// CHECK: arith.divf
func.func @cosine(%x: tensor<?x4xf32>, %v: tensor<8x4xf32>) -> tensor<?x8xf32> {
  %l = moe.score.cosine %x, %v scale 4.0 : tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}
