// RUN: moe-opt %s --moe-to-grouped --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @one(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[IDS:[^:]*]]: tensor<?x1xi32>, %[[WEIGHTS:[^:]*]]: tensor<?x1xf32>,
// CHECK-SAME: %[[W:[^:]*]]: tensor<8x4x4xf32>) -> tensor<?x4xf32>
// CHECK: %[[OFFSETS:.*]], %[[TOKENS:.*]], %[[SLOTS:.*]] = moe.plan %[[IDS]]
// CHECK: %[[ROWS:.*]] = moe.gather %[[X]] at %[[TOKENS]]
// CHECK: %[[P:.*]] = moe.grouped_matmul %[[ROWS]] weights %[[W]] offsets %[[OFFSETS]]
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT: moe.yield %[[ACC]]
// CHECK: %[[S:.*]] = moe.scatter %[[P]] to %[[SLOTS]]
// CHECK: %[[OUT:.*]] = moe.combine_slots %[[S]] 1 sum
// CHECK: return %[[OUT]]
func.func @one(%x: tensor<?x4xf32>, %r: !moe.routing<8, 1, f32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 1, f32> -> !moe.ragged<8, 4, f32>
  %y = moe.experts %rows weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%row: tensor<?x4xf32>, %we: tensor<4x4xf32>):
    %p = moe.linear %row, %we : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    moe.yield %p : tensor<?x4xf32>
  }
  %out = moe.combine %y by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 1, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// A route gives its ids and weights to who unpacks it; the weights go to the combination. No slot is dropped.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x64xf32>, %[[LOGITS:[^:]*]]: tensor<?x8xf32>, %[[BIAS:[^:]*]]: tensor<8xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[LOGITS]]
// CHECK: %[[I:.*]] = tensor.empty(%[[T]]) : tensor<?x2xi32>
// CHECK: %[[V:.*]] = tensor.empty(%[[T]]) : tensor<?x2xbf16>
// CHECK: %[[IDS:.*]], %[[WEIGHTS:.*]] = moe.select %[[LOGITS]] bias %[[BIAS]] select #moe.top_k<2> rank scores
// CHECK-SAME: weigh #moe.sigmoid over each renormalize <> scale 2.5
// CHECK-SAME: outs(%[[I]], %[[V]]
// CHECK-NOT: tensor.splat
// CHECK: moe.combine_slots %{{.*}} 2 weighted_sum weights %[[WEIGHTS]] : {{.*}} -> tensor<?x64xbf16>
// CHECK: return %{{.*}}, %[[IDS]], %[[WEIGHTS]]
func.func @layer(%x: tensor<?x64xf32>, %logits: tensor<?x8xf32>, %b: tensor<8xf32>, %w: tensor<8x64x64xf32>)
    -> (tensor<?x64xbf16>, tensor<?x2xi32>, tensor<?x2xbf16>) {
  %routing = moe.route %logits bias %b select #moe.top_k<2> rank scores weigh #moe.sigmoid over each
      renormalize <> scale 2.5 : tensor<?x8xf32>, tensor<8xf32> -> !moe.routing<8, 2, bf16>
  %ids, %weights = moe.unpack_routing %routing : !moe.routing<8, 2, bf16> -> tensor<?x2xi32>, tensor<?x2xbf16>
  %rows = moe.dispatch %x by %routing : tensor<?x64xf32>, !moe.routing<8, 2, bf16> -> !moe.ragged<8, 64, f32>
  %outputs = moe.experts %rows weights %w : !moe.ragged<8, 64, f32>, tensor<8x64x64xf32> -> !moe.ragged<8, 64, f32> {
  ^bb0(%r: tensor<?x64xf32>, %we: tensor<64x64xf32>):
    %y = moe.linear %r, %we : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, bf16> -> tensor<?x64xbf16>
  return %output, %ids, %weights : tensor<?x64xbf16>, tensor<?x2xi32>, tensor<?x2xbf16>
}

// -----

// Slots that a capacity drops are not scattered, and left out of the combination by their ids.
// CHECK-LABEL: func.func @drop(
// CHECK: %[[IDS:.*]], %{{.*}} = moe.select
// CHECK: %[[NONE:.*]] = tensor.empty
// CHECK: moe.scatter %{{.*}} to %{{.*}} offsets %{{.*}} outs(%[[NONE]]
// CHECK: moe.combine_slots %{{.*}} 2 max ids %[[IDS]]
func.func @drop(%rows: !moe.ragged<8, 4, f32>, %logits: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %r = moe.route %logits select #moe.top_k<2, capacity = 4> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %out = moe.combine %rows by %r max : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// A plan says what its routing limits, of a part of it, too.
// CHECK-LABEL: func.func @limits(
// CHECK: moe.plan %{{.*}} capacity 4 :
// CHECK: moe.plan %{{.*}} : tensor
func.func @limits(%x: tensor<?x4xf32>, %logits: tensor<?x8xf32>) -> (!moe.ragged<3, 4, f32>, !moe.ragged<8, 4, f32>) {
  %r = moe.route %logits select #moe.top_k<2, capacity = 4> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %part = moe.narrow_routing %r from 0 to 3 : !moe.routing<8, 2, f32> -> !moe.routing<3, 2, f32>
  %own = moe.dispatch %x by %part : tensor<?x4xf32>, !moe.routing<3, 2, f32> -> !moe.ragged<3, 4, f32>
  %free = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %all = moe.dispatch %x by %free : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  return %own, %all : !moe.ragged<3, 4, f32>, !moe.ragged<8, 4, f32>
}

// -----

// Attributes of arguments stay with their arguments; calls and control flow carry the parts.
// CHECK-LABEL: func.func private @callee(tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x4xf32> {test.last})
// CHECK-SAME: -> (tensor<?x4xf32>, tensor<9xindex>, tensor<?xindex>, f32 {test.result})
func.func private @callee(!moe.routing<8, 2, f32>, tensor<?x4xf32> {test.last})
    -> (!moe.ragged<8, 4, f32>, f32 {test.result})
// CHECK-LABEL: func.func @caller(
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<?x2xi32>, %[[WEIGHTS:[^:]*]]: tensor<?x2xf32>, %[[X:[^:]*]]: tensor<?x4xf32>, %[[C:[^:]*]]: i1)
// CHECK: %[[CALL:.*]]:4 = call @callee(%[[IDS]], %[[WEIGHTS]], %[[X]])
// CHECK: %[[IF:.*]]:3 = scf.if %[[C]]
// CHECK: scf.yield %[[CALL]]#0, %[[CALL]]#1, %[[CALL]]#2
// CHECK: moe.scatter %[[IF]]#0 to %[[IF]]#2
func.func @caller(%r: !moe.routing<8, 2, f32>, %x: tensor<?x4xf32>, %c: i1) -> tensor<?x4xf32> {
  %rows, %f = call @callee(%r, %x) : (!moe.routing<8, 2, f32>, tensor<?x4xf32>) -> (!moe.ragged<8, 4, f32>, f32)
  %some = scf.if %c -> !moe.ragged<8, 4, f32> {
    scf.yield %rows : !moe.ragged<8, 4, f32>
  } else {
    %other = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
    scf.yield %other : !moe.ragged<8, 4, f32>
  }
  %out = moe.combine %some by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// A routing made of static tensors.
// CHECK-LABEL: func.func @static(
// CHECK: %[[IDS:.*]] = tensor.cast %{{.*}} : tensor<3x2xi32> to tensor<?x2xi32>
// CHECK: moe.plan %[[IDS]]
// CHECK: moe.combine_slots {{.*}} outs(%{{.*}} : tensor<3x4xf32>) -> tensor<3x4xf32>
func.func @static(%ids: tensor<3x2xi32>, %w: tensor<3x2xf32>, %x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %r = moe.make_routing %ids, %w : tensor<3x2xi32>, tensor<3x2xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<3x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %out = moe.combine %rows by %r weighted_sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<3x4xf32>
  return %out : tensor<3x4xf32>
}

// -----

// Experts that pick rows: as many rows of ids as there are windows of experts; the combination has the rows of `like`.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[LOGITS:[^:]*]]: tensor<?x8xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[LOGITS]]
// CHECK: %[[E:.*]] = arith.constant 8 : index
// CHECK: %[[N:.*]] = arith.constant 16 : index
// CHECK: %[[WINDOWS:.*]] = arith.ceildivui %[[T]], %[[N]]
// CHECK: %[[R:.*]] = arith.muli %[[E]], %[[WINDOWS]]
// CHECK: tensor.empty(%[[R]]) : tensor<?x2xi32>
// CHECK: %[[IDS:.*]], %[[WEIGHTS:.*]] = moe.select_rows %[[LOGITS]] select #moe.top_k<2, axis = row, window = 16>
// CHECK: %[[OFFSETS:.*]], %[[TOKENS:.*]], %[[SLOTS:.*]] = moe.plan_rows %[[IDS]]
// CHECK: %[[ROWS:.*]] = moe.gather %[[X]] at %[[TOKENS]] offsets %[[OFFSETS]] : tensor
// CHECK: %[[S:.*]] = moe.scatter %[[ROWS]] to %[[SLOTS]] offsets %[[OFFSETS]]
// CHECK: %[[TX:.*]] = tensor.dim %[[X]]
// CHECK: %[[OUT:.*]] = tensor.empty(%[[TX]])
// CHECK: moe.combine_rows %[[S]] by %[[IDS]] weighted_sum weights %[[WEIGHTS]] {{.*}} outs(%[[OUT]]
func.func @rows(%x: tensor<?x4xf32>, %logits: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %r = moe.route %logits select #moe.top_k<2, axis = row, window = 16> rank logits weigh #moe.softmax over selected
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32, row>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32, row> -> !moe.ragged<8, 4, f32>
  %out = moe.combine %rows by %r weighted_sum like %x
      : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32, row>, tensor<?x4xf32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// A further level. Neither level drops anything, so nothing looks for dropped slots. Rows are weighted on the way.
// CHECK-LABEL: func.func @within(
// CHECK: %[[NODES:.*]], %[[NODE_WEIGHTS:.*]] = moe.select
// CHECK: %[[IDS:.*]], %[[WEIGHTS:.*]] = moe.select_within %[[NODES]], %[[NODE_WEIGHTS]], %{{.*}} nodes 4 select
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[WEIGHTS]]
// CHECK: moe.gather %{{.*}} at %{{.*}} weights %[[FLAT]] slots %[[SLOTS:.*]] : tensor
// CHECK: moe.scatter %{{.*}} to %{{[^ ]*}} : tensor
// CHECK: moe.combine_slots %{{.*}} 2 sum : tensor
func.func @within(%x: tensor<?x4xf32>, %n: tensor<?x4xf32>, %l: tensor<?x16xf32>) -> tensor<?x4xf32> {
  %nodes = moe.route %n select #moe.top_k<1> rank logits weigh #moe.sigmoid over each
      : tensor<?x4xf32> -> !moe.routing<4, 1, f32>
  %r = moe.route_within %nodes, %l select #moe.top_k<2> weigh #moe.softmax over selected
      : !moe.routing<4, 1, f32>, tensor<?x16xf32> -> !moe.routing<16, 2, f32>
  %rows = moe.dispatch %x by %r weighted : tensor<?x4xf32>, !moe.routing<16, 2, f32> -> !moe.ragged<16, 4, f32>
  %out = moe.combine %rows by %r sum : !moe.ragged<16, 4, f32>, !moe.routing<16, 2, f32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

// A part of a routing: ids from its first expert on, -1 for all others. Its slots may go nowhere.
// CHECK-LABEL: func.func @part(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[IDS:[^:]*]]: tensor<?x2xi32>, %[[W:[^:]*]]: tensor<?x2xf32>
// CHECK: %[[PART:.*]] = linalg.map ins(%[[IDS]] : tensor<?x2xi32>)
// CHECK: %[[TWO:.*]] = arith.constant 2 : i32
// CHECK: %[[OWN:.*]] = arith.subi %{{.*}}, %[[TWO]]
// CHECK: %[[THREE:.*]] = arith.constant 3 : i32
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[OWN]], %[[THREE]]
// CHECK: %[[NONE:.*]] = arith.constant -1 : i32
// CHECK: arith.select %[[INSIDE]], %[[OWN]], %[[NONE]]
// CHECK: moe.plan %[[PART]]
// CHECK: moe.gather %[[X]] at %{{.*}} offsets
func.func @part(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>) -> !moe.ragged<3, 4, f32> {
  %p = moe.narrow_routing %r from 2 to 5 : !moe.routing<8, 2, f32> -> !moe.routing<3, 2, f32>
  %rows = moe.dispatch %x by %p : tensor<?x4xf32>, !moe.routing<3, 2, f32> -> !moe.ragged<3, 4, f32>
  return %rows : !moe.ragged<3, 4, f32>
}

// -----

// All experts in order: the plan looks at no id.
// CHECK-LABEL: func.func @all(
// CHECK: %[[IDS:.*]], %{{.*}} = moe.select %{{.*}} select #moe.all
// CHECK: tensor.dim %[[IDS]]
// CHECK: moe.plan_all %dim{{.*}} outs(
// CHECK: moe.gather %{{.*}} at %{{[^ ]*}} :
func.func @all(%x: tensor<?x4xf32>, %logits: tensor<?x8xf32>) -> !moe.ragged<8, 4, f32> {
  %r = moe.route %logits select #moe.all rank logits weigh #moe.softmax over all
      : tensor<?x8xf32> -> !moe.routing<8, 8, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 8, f32> -> !moe.ragged<8, 4, f32>
  return %rows : !moe.ragged<8, 4, f32>
}

// -----

// Rows that come back unchanged are combined where they are: by weights, and by ids where these say what to leave out.
// CHECK-LABEL: func.func @unchanged(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xbf16>, %[[LOGITS:[^:]*]]: tensor<?x8xf32>
// CHECK: %[[IDS:.*]], %[[W:.*]] = moe.select %[[LOGITS]]
// CHECK: moe.combine_slots %[[X]] shared 2 weighted_sum weights %[[W]] :
// CHECK: moe.combine_slots %[[X]] shared 2 max ids %[[IDS]] :
func.func @unchanged(%x: tensor<?x4xbf16>, %logits: tensor<?x8xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %r = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.sigmoid over each
      : tensor<?x8xf32> -> !moe.routing<8, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xbf16>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, bf16>
  %a = moe.combine %rows by %r weighted_sum : !moe.ragged<8, 4, bf16>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  %b = moe.combine %rows by %r max : !moe.ragged<8, 4, bf16>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %a, %b : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Weighted rows are not the same in each slot, and those of another routing are not in the slots at all.
// CHECK-LABEL: func.func @changed(
// CHECK-NOT: shared
func.func @changed(%x: tensor<?x4xf32>, %r: !moe.routing<8, 2, f32>, %s: !moe.routing<8, 2, f32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %rows = moe.dispatch %x by %r weighted : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %a = moe.combine %rows by %r sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  %more = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 4, f32>
  %b = moe.combine %more by %s sum : !moe.ragged<8, 4, f32>, !moe.routing<8, 2, f32> -> tensor<?x4xf32>
  return %a, %b : tensor<?x4xf32>, tensor<?x4xf32>
}
