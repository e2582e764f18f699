// RUN: moe-opt %s --moe-select-all --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-select-all --remarks-filter=moe-select-all --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] folded | Category:moe-select-all | Function=all | Remark="a selection of all 2 experts"
// CHECK-LABEL: func.func @all(
// CHECK: %[[R:.*]] = moe.route %[[L:.*]] select #moe.top_k<2> rank logits weigh #moe.softmax over selected
// CHECK: %[[ALL:.*]] = moe.route %[[L]] select #moe.all rank logits weigh #moe.softmax over all
// CHECK: %[[ROWS:.*]] = moe.dispatch %{{.*}} by %[[ALL]]
// CHECK: moe.combine %[[ROWS]] by %[[ALL]] weighted_sum
// CHECK: moe.unpack_routing %[[R]]
func.func @all(%x: tensor<?x4xf32>, %logits: tensor<?x2xf32>) -> (tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %r = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x2xf32> -> !moe.routing<2, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<2, 2, f32> -> !moe.ragged<2, 4, f32>
  %out = moe.combine %rows by %r weighted_sum : !moe.ragged<2, 4, f32>, !moe.routing<2, 2, f32> -> tensor<?x4xf32>
  %ids, %w = moe.unpack_routing %r : !moe.routing<2, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %out, %ids, %w : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// What is compared decides nothing; renormalisation and scale stay. Nobody asks for the best, so the order goes.
// CHECK-LABEL: func.func @groups(
// CHECK-NEXT: %[[R:.*]] = moe.route %arg1 select #moe.all rank logits weigh #moe.sigmoid over each renormalize <> scale 2.5
// CHECK-NEXT: moe.dispatch %arg0 by %[[R]]
func.func @groups(%x: tensor<?x4xf32>, %logits: tensor<?x4xf32>, %b: tensor<4xf32>) -> !moe.ragged<4, 4, f32> {
  %r = moe.route %logits bias %b select #moe.group_top_k<4, groups = 2, keep = 2> rank scores weigh #moe.sigmoid over each
      renormalize <> scale 2.5 : tensor<?x4xf32>, tensor<4xf32> -> !moe.routing<4, 4, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<4, 4, f32> -> !moe.ragged<4, 4, f32>
  return %rows : !moe.ragged<4, 4, f32>
}

// -----

// All in order already: only the set of the softmax is given its simple name, for all who ask.
// CHECK-LABEL: func.func @in_order(
// CHECK-NEXT: %[[R:.*]] = moe.route %arg0 select #moe.all rank logits weigh #moe.softmax over all
// CHECK-NEXT: moe.unpack_routing %[[R]]
func.func @in_order(%logits: tensor<?x2xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %r = moe.route %logits select #moe.all rank logits weigh #moe.softmax over selected
      : tensor<?x2xf32> -> !moe.routing<2, 2, f32>
  %ids, %w = moe.unpack_routing %r : !moe.routing<2, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// REMARK: [Missed] not folded | Category:moe-select-all | Function=some | Reason="not every expert is selected"
// CHECK-LABEL: func.func @some(
// CHECK-NOT: #moe.all
func.func @some(%x: tensor<?x4xf32>, %logits: tensor<?x3xf32>) -> !moe.ragged<3, 4, f32> {
  %r = moe.route %logits select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x3xf32> -> !moe.routing<3, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<3, 2, f32> -> !moe.ragged<3, 4, f32>
  return %rows : !moe.ragged<3, 4, f32>
}

// -----

// REMARK: Function=dropped | Reason="slots may be dropped"
// CHECK-LABEL: func.func @dropped(
// CHECK-NOT: #moe.all
func.func @dropped(%x: tensor<?x4xf32>, %logits: tensor<?x2xf32>) -> !moe.ragged<2, 4, f32> {
  %r = moe.route %logits select #moe.top_k<2, capacity = 4> rank logits weigh #moe.softmax over selected
      : tensor<?x2xf32> -> !moe.routing<2, 2, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<2, 2, f32> -> !moe.ragged<2, 4, f32>
  return %rows : !moe.ragged<2, 4, f32>
}

// -----

// REMARK: Function=rows | Reason="the experts pick rows"
// CHECK-LABEL: func.func @rows(
// CHECK-NOT: #moe.all
func.func @rows(%x: tensor<?x4xf32>, %logits: tensor<?x2xf32>) -> !moe.ragged<2, 4, f32> {
  %r = moe.route %logits select #moe.top_k<2, axis = row> rank logits weigh #moe.softmax over selected
      : tensor<?x2xf32> -> !moe.routing<2, 2, f32, row>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<2, 2, f32, row> -> !moe.ragged<2, 4, f32>
  return %rows : !moe.ragged<2, 4, f32>
}

// -----

// REMARK: Function=over_groups | Reason="weights are normalised over groups, which a selection of all experts has none of"
// CHECK-LABEL: func.func @over_groups(
// CHECK-NOT: #moe.all
func.func @over_groups(%x: tensor<?x4xf32>, %logits: tensor<?x4xf32>) -> !moe.ragged<4, 4, f32> {
  %r = moe.route %logits select #moe.group_top_k<4, groups = 2, keep = 2> rank logits weigh #moe.softmax over group
      : tensor<?x4xf32> -> !moe.routing<4, 4, f32>
  %rows = moe.dispatch %x by %r : tensor<?x4xf32>, !moe.routing<4, 4, f32> -> !moe.ragged<4, 4, f32>
  return %rows : !moe.ragged<4, 4, f32>
}
