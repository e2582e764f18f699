// RUN: moe-opt %s --moe-to-padded --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-to-padded --remarks-filter=moe-to-padded --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] padded | Category:moe-to-padded | Function=k_padded | Remark="the products of a routing to a capacity of 3: 2"
// CHECK-LABEL: func.func @k_padded(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x4x4xf32>
// CHECK-NOT: moe.plan %
// CHECK: %[[COUNTS:.*]], %[[TOKENS:.*]], %[[SLOTS:.*]] = moe.plan_padded %[[IDS]] capacity 3
// CHECK-SAME: -> tensor<8xindex>, tensor<24xindex>, tensor<24xindex>
// CHECK: %[[SLOT_ROWS:.*]] = tensor.empty(%{{.*}}) : tensor<?x4xf32>
// CHECK: %[[PLACES:.*]] = tensor.empty() : tensor<24x4xf32>
// CHECK: %[[H:.*]] = moe.padded_matmul %[[X]] gather %[[TOKENS]] weights %[[W]] counts %[[COUNTS]] capacity 3
// CHECK-SAME: outs(%[[PLACES]] : tensor<24x4xf32>) -> tensor<24x4xf32>
// CHECK: %[[P:.*]] = moe.padded_matmul %[[H]] weights %[[W]] counts %[[COUNTS]] capacity 3 scatter %[[SLOTS]]
// CHECK-SAME: outs(%[[SLOT_ROWS]] : tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK: moe.combine_slots %[[P]] 2 sum ids %[[IDS]]
func.func @k_padded(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "padded"} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %n = arith.muli %t, %c2 : index
  %o = tensor.empty() : tensor<9xindex>
  %i = tensor.empty(%n) : tensor<?xindex>
  %offsets, %tokens, %slots = moe.plan %ids capacity 3 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %h = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %p = moe.grouped_matmul %h weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %g = tensor.empty(%t) : tensor<?x4xf32>
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%g : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Rows that are gathered before are gathered by the products; functions of rows run at their places.
// CHECK-LABEL: func.func @steps
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<8x4x4xf32>, %[[B:.*]]: tensor<8x4xf32>
// CHECK-SAME: %[[FACTORS:[^:]*]]: tensor<?xf32>
// CHECK: %[[COUNTS:.*]], %[[TOKENS:.*]], %[[SLOTS:.*]] = moe.plan_padded %[[IDS]] capacity 1
// CHECK-NOT: moe.gather
// CHECK: %[[P:.*]] = moe.padded_matmul %[[X]] gather %[[TOKENS]] weights %[[W]] counts %[[COUNTS]] capacity 1 columns %[[B]] :
// CHECK: %[[M:.*]] = moe.map %[[P]] : tensor<8x4xf32> -> tensor<8x4xf32>
// CHECK: %[[R:.*]] = math.absf %[[M]] : tensor<8x4xf32>
// CHECK: moe.padded_matmul %[[R]] weights %[[W]] counts %[[COUNTS]] capacity 1 scalars %[[FACTORS]] scatter %[[SLOTS]]
// CHECK-SAME: outs(%{{.*}} : tensor<?x4xf32>)
func.func @steps(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %b: tensor<8x4xf32>,
                 %factors: tensor<?xf32>, %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>,
                 %out: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {moe.variant = "padded"} {
  %offsets, %tokens, %slots = moe.plan %ids capacity 1 : tensor<?x2xi32>
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
  %y = moe.combine_slots %s 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%out : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not padded | {{.*}} | Function=unlimited | Reason="the routing has no capacity"
// CHECK-LABEL: func.func @unlimited(
// CHECK: moe.plan %
// CHECK-NOT: padded
func.func @unlimited(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "padded"} {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not padded | {{.*}} | Function=vast | Reason="8 experts of capacity 131073 have more than 1048576 places"
// CHECK-LABEL: func.func @vast(
// CHECK: moe.plan %
// CHECK-NOT: padded
func.func @vast(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "padded"} {
  %offsets, %tokens, %slots = moe.plan %ids capacity 131073 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not padded | {{.*}} | Function=weighted | Reason="rows are weighted while they are gathered"
// CHECK-LABEL: func.func @weighted(
// CHECK: moe.gather
// CHECK-NOT: padded
func.func @weighted(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "padded"} {
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %rows = moe.gather %x at %tokens weights %weights slots %slots : tensor<?x4xf32>, tensor<?xindex>
      weights tensor<?xf32> slots tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not padded | {{.*}} | Function=scattered | Reason="a scatter that no product took in moves rows that lie one after the other"
// CHECK-LABEL: func.func @scattered(
// CHECK: moe.scatter
// CHECK-NOT: padded
func.func @scattered(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "padded"} {
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %c0 = arith.constant 0 : index
  %n = tensor.dim %i, %c0 : tensor<?xindex>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.scatter %p to %slots offsets %offsets : tensor<?x4xf32>, tensor<?xindex> offsets tensor<9xindex>
      outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %s 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not padded | {{.*}} | Function=counted | Reason="the number of sorted rows is asked for, and padded places are more"
// CHECK-LABEL: func.func @counted(
// CHECK: moe.plan %
// CHECK-NOT: padded
func.func @counted(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
    %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> (tensor<?x4xf32>, index) attributes {moe.variant = "padded"} {
  %c0 = arith.constant 0 : index
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %n = tensor.dim %p, %c0 : tensor<?x4xf32>
  %twice = arith.addi %n, %n : index
  %more = tensor.empty(%twice) : tensor<?x4xf32>
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%more : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y, %c0 : tensor<?x4xf32>, index
}

// -----

// REMARK: [Missed] not padded | {{.*}} | Function=mixed | Reason="an op takes rows of slots beside those in the order of the plan"
// CHECK-LABEL: func.func @mixed(
// CHECK: moe.plan %
// CHECK-NOT: padded
func.func @mixed(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "padded"} {
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %q = moe.grouped_matmul %p weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %q 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// A function of another variant is left alone.
// CHECK-LABEL: func.func @grouped(
// CHECK: moe.plan %
// CHECK-NOT: padded
func.func @grouped(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %weights: tensor<?xf32>,
    %o: tensor<9xindex>, %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32>
    attributes {moe.variant = "grouped"} {
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
