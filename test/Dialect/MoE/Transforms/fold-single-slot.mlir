// RUN: moe-opt %s --moe-fold-single-slot --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fold-single-slot --remarks-filter=moe-fold-single-slot --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] folded | Category:moe-fold-single-slot | Function=one | Remark="the combination of one slot into the stores of the product"
// CHECK-LABEL: func.func @one(
// CHECK-SAME: %[[SLOTS:[^:]*]]: tensor<?xindex>, %{{[^:]*}}: index, %[[OUT:[^:]*]]: tensor<?x4xbf16>
// CHECK: %[[Y:.*]] = moe.grouped_matmul %{{.*}} scatter %[[SLOTS]]
// CHECK-SAME: outs(%[[OUT]] : tensor<?x4xbf16>)
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[ACC]] : f32 to bf16
// CHECK-NEXT: moe.yield %[[ROUNDED]]
// CHECK: return %[[Y]]
func.func @one(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
               %n: index, %out: tensor<?x4xbf16>) -> tensor<?x4xbf16> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum : tensor<?x4xf32> outs(%out : tensor<?x4xbf16>) -> tensor<?x4xbf16>
  return %y : tensor<?x4xbf16>
}

// -----

// More than one slot is no case for this pass, and no remark either.
// CHECK-LABEL: func.func @two(
// CHECK: moe.combine_slots
func.func @two(%s: tensor<?x4xf32>, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = moe.combine_slots %s 2 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: Function=weighted | Reason="the combination has weights of its own"
// CHECK-LABEL: func.func @weighted(
// CHECK: moe.combine_slots
func.func @weighted(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
    %n: index, %out: tensor<?x4xf32>, %p: tensor<?x1xf32>) -> tensor<?x4xf32> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 log_sum_exp weights %p : tensor<?x4xf32>, tensor<?x1xf32>
      outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: Function=dropped | Reason="slots may be dropped, and their rows would have to be filled before"
// CHECK-LABEL: func.func @dropped(
// CHECK: moe.combine_slots
func.func @dropped(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
    %n: index, %out: tensor<?x4xf32>, %ids: tensor<?x1xi32>) -> tensor<?x4xf32> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum ids %ids : tensor<?x4xf32> ids tensor<?x1xi32>
      outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: Function=unscattered | Reason="the rows are not those of a product that scatters"
// CHECK-LABEL: func.func @unscattered(
// CHECK: moe.combine_slots
func.func @unscattered(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
    %n: index, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: Function=shared_product | Reason="the product has other users"
// CHECK-LABEL: func.func @shared_product(
// CHECK: moe.combine_slots
func.func @shared_product(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
    %n: index, %out: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %s : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// REMARK: Function=kept | Reason="slots that get no row keep a value that would have to be converted, too"
// CHECK-LABEL: func.func @kept(
// CHECK: moe.combine_slots
func.func @kept(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
    %n: index, %out: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum : tensor<?x4xf32> outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Products slot by slot store to the rows of the result, too.
// REMARK: [Passed] folded | Category:moe-fold-single-slot | Function=slots |
// CHECK-LABEL: func.func @slots(
// CHECK-SAME: %[[OUT:[^:]*]]: tensor<?x4xbf16>)
// CHECK: moe.slot_matmul
// CHECK-SAME: outs(%[[OUT]] : tensor<?x4xbf16>)
// CHECK: arith.truncf
// CHECK-NOT: moe.combine_slots
func.func @slots(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %ids: tensor<?x1xi32>, %n: index,
                 %out: tensor<?x4xbf16>) -> tensor<?x4xbf16> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.slot_matmul %x tokens ids %ids weights %w : tensor<?x6xf32> ids tensor<?x1xi32> weights tensor<8x4x6xf32>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum : tensor<?x4xf32> outs(%out : tensor<?x4xbf16>) -> tensor<?x4xbf16>
  return %y : tensor<?x4xbf16>
}

// -----

// REMARK: Function=residual | Reason="the combination has an epilogue, which takes a pass over the rows anyway"
// CHECK-LABEL: func.func @residual(
// CHECK: moe.combine_slots
func.func @residual(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
    %n: index, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %s = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %s 1 sum others %out : tensor<?x4xf32> others tensor<?x4xf32> outs(%out : tensor<?x4xf32>)
      -> tensor<?x4xf32> epilogue {
  ^bb0(%a: f32, %b: f32):
    %v = arith.addf %a, %b : f32
    moe.yield %v : f32
  }
  return %y : tensor<?x4xf32>
}
