// RUN: moe-opt %s --moe-to-single-rows --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-to-single-rows --remarks-filter=moe-to-single-rows --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] slot by slot | Category:moe-to-single-rows | Function=k_single_row | Remark="the products of a routing: 1"
// CHECK-LABEL: func.func @k_single_row(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x4x4xf32>
// CHECK-NOT: moe.plan
// CHECK: %[[P:.*]] = moe.slot_matmul %[[X]] tokens ids %[[IDS]] weights %[[W]]
// CHECK: moe.combine_slots %[[P]] 2 sum
func.func @k_single_row(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "single_row"} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %n = arith.muli %t, %c2 : index
  %o = tensor.empty() : tensor<9xindex>
  %i = tensor.empty(%n) : tensor<?xindex>
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %g = tensor.empty(%t) : tensor<?x4xf32>
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Sorted rows between products are rows of slots, whichever way they were gathered and scattered; vectors of an expert
// stay, and so does what a slot without an expert keeps.
// CHECK-LABEL: func.func @steps
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x4x4xf32>, %[[B:.*]]: tensor<8x4xf32>
// CHECK-NOT: moe.plan
// CHECK-NOT: moe.gather
// CHECK: %[[P:.*]] = moe.slot_matmul %[[X]] tokens ids %[[IDS]] weights %[[W]] columns %[[B]] :
// CHECK: %[[M:.*]] = moe.map %[[P]]
// CHECK: %[[R:.*]] = math.absf %[[M]]
// CHECK: %[[Q:.*]] = moe.slot_matmul %[[R]] ids %[[IDS]]
// CHECK-NOT: moe.scatter
// CHECK: moe.combine_slots %[[Q]] 2 sum ids %[[IDS]]
func.func @steps(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %b: tensor<8x4xf32>,
                 %o: tensor<9xindex>, %i: tensor<?xindex>, %n: index, %out: tensor<?x4xf32>)
    -> tensor<?x4xf32> attributes {moe.variant = "single_row"} {
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %rows = moe.gather %x at %tokens offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets columns %b
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> columns tensor<8x4xf32>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32, %bias: f32):
    %v = arith.addf %acc, %bias : f32
    moe.yield %v : f32
  }
  %m = moe.map %p : tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%v: f32):
    %u = arith.negf %v : f32
    moe.yield %u : f32
  }
  %r = math.absf %m : tensor<?x4xf32>
  %q = moe.grouped_matmul %r weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %scattered = moe.scatter %q to %slots offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %scattered 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%out : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Numbers of slots are read where the product scatters.
// CHECK-LABEL: func.func @factors
// CHECK-NOT: moe.plan
// CHECK: moe.slot_matmul {{.*}} scalars
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32):
func.func @factors(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %factors: tensor<?xf32>,
                   %o: tensor<9xindex>, %i: tensor<?xindex>, %n: index, %out: tensor<?x4xf32>)
    -> tensor<?x4xf32> attributes {moe.variant = "single_row"} {
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %s = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scalars %factors scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex> scalars tensor<?xf32>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32, %factor: f32):
    %v = arith.mulf %acc, %factor : f32
    moe.yield %v : f32
  }
  %y = moe.combine_slots %s 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%out : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Rows of slots are not rows in the order of the plan, directly or through a map.
// REMARK: Function=crossed | Reason="an op takes rows of slots beside those in the order of the plan"
// CHECK-LABEL: func.func @crossed
// CHECK: moe.plan
// CHECK-NOT: moe.slot_matmul
func.func @crossed(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %b: tensor<8x4xf32>,
                 %factors: tensor<?xf32>, %o: tensor<9xindex>, %i: tensor<?xindex>, %n: index, %out: tensor<?x4xf32>)
    -> tensor<?x4xf32> attributes {moe.variant = "single_row"} {
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %rows = moe.gather %x at %tokens offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets columns %b
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> columns tensor<8x4xf32>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32, %bias: f32):
    %v = arith.addf %acc, %bias : f32
    moe.yield %v : f32
  }
  %m = moe.map %p : tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%v: f32):
    %u = arith.negf %v : f32
    moe.yield %u : f32
  }
  %r = math.absf %m : tensor<?x4xf32>
  %s = moe.grouped_matmul %r weights %w offsets %offsets scalars %factors scatter %slots
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> scalars tensor<?xf32> scatter tensor<?xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32, %factor: f32):
    %v = arith.mulf %acc, %factor : f32
    moe.yield %v : f32
  }
  %a = math.absf %s : tensor<?x4xf32>
  %q = moe.grouped_matmul %a weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %scattered = moe.scatter %q to %slots offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %scattered 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%out : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Rows that are weighted on their way to the experts are weighted in the order of slots: row i / 2 by weight i.
// REMARK: [Passed] slot by slot | {{.*}} | Function=weighted
// CHECK-LABEL: func.func @weighted
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x4x4xf32>, %[[WEIGHTS:.*]]: tensor<?xf32>,
// CHECK-NOT: moe.plan
// CHECK: %[[K:.*]] = arith.constant 2 : index
// CHECK: %[[N:.*]] = arith.muli %{{.*}}, %[[K]] : index
// CHECK: %[[TOKENS:.*]] = tensor.generate %[[N]] {
// CHECK-NEXT: ^bb0(%[[I:.*]]: index):
// CHECK-NEXT: %[[T:.*]] = arith.divui %[[I]], %[[K]] : index
// CHECK-NEXT: tensor.yield %[[T]]
// CHECK: %[[SLOTS:.*]] = tensor.generate %[[N]] {
// CHECK-NEXT: ^bb0(%[[I:.*]]: index):
// CHECK-NEXT: tensor.yield %[[I]]
// CHECK: %[[ROWS:.*]] = moe.gather %[[X]] at %[[TOKENS]] weights %[[WEIGHTS]] slots %[[SLOTS]]
// CHECK: moe.slot_matmul %[[ROWS]] ids %[[IDS]] weights %[[W]]
func.func @weighted(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
                    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "single_row"} {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %rows = moe.gather %x at %tokens weights %weights slots %slots : tensor<?x4xf32>, tensor<?xindex>
      weights tensor<?xf32> slots tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not slot by slot | {{.*}} | Function=kept | Reason="slots that get no row keep a value"
// CHECK-LABEL: func.func @kept
// CHECK: moe.scatter
func.func @kept(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
                %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {moe.variant = "single_row"} {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
      outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %s = moe.scatter %p to %slots : tensor<?x4xf32>, tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %s 2 sum : tensor<?x4xf32> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// A function of another variant is left alone.
// CHECK-LABEL: func.func @grouped
// CHECK: moe.plan
func.func @grouped(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
                   %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {moe.variant = "grouped"} {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
