// RUN: moe-opt %s --moe-fuse-combine --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-combine --remarks-filter=moe-fuse-combine --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-fuse-combine | Function=combine | Remark="the scatter into the stores of the product"
// REMARK: [Passed] fused | Category:moe-fuse-combine | Function=combine | Remark="the weights into the epilogue of the product"
// CHECK-LABEL: func.func @combine(
// CHECK-SAME: %[[SLOTS:[^:]*]]: tensor<?xindex>, %[[WEIGHTS:[^:]*]]: tensor<?x2xf32>
// CHECK: %[[FACTORS:.*]] = tensor.collapse_shape %[[WEIGHTS]] {{\[}}[0, 1]]
// CHECK: %[[S:.*]] = moe.grouped_matmul %{{.*}} scalars %[[FACTORS]] scatter %[[SLOTS]]
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[FACTOR:.*]]: f32):
// CHECK-NEXT: %[[V:.*]] = arith.mulf %[[ACC]], %[[FACTOR]]
// CHECK-NEXT: moe.yield %[[V]]
// CHECK: moe.combine_slots %[[S]] 2 sum :
func.func @combine(%x: tensor<?x6xf32>, %w: tensor<8x4x6xf32>, %offsets: tensor<9xindex>, %slots: tensor<?xindex>,
                   %weights: tensor<?x2xf32>, %n: index, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %init = tensor.empty(%n) : tensor<?x4xf32>
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x6xf32> weights tensor<8x4x6xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %s = moe.scatter %p to %slots : tensor<?x4xf32>, tensor<?xindex> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.combine_slots %s 2 weighted_sum weights %weights : tensor<?x4xf32>, tensor<?x2xf32>
      outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Rows and weights of another type are extended, as the combination computes in f32. Slots that get no row stay zero.
// CHECK-LABEL: func.func @bf16
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[SLOTS:.*]] = tensor.splat %[[ZERO]][%{{.*}}] : tensor<?x6xf32>
// CHECK: moe.grouped_matmul
// CHECK-SAME: outs(%[[SLOTS]] : tensor<?x6xf32>)
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[FACTOR:.*]]: bf16):
// CHECK-NEXT: %[[R:.*]] = arith.truncf %[[ACC]] : f32 to bf16
// CHECK-NEXT: %[[A:.*]] = arith.extf %[[R]] : bf16 to f32
// CHECK-NEXT: %[[B:.*]] = arith.extf %[[FACTOR]] : bf16 to f32
// CHECK-NEXT: %[[V:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK-NEXT: moe.yield %[[V]] : f32
// CHECK: moe.combine_slots %{{.*}} 2 sum : tensor<?x6xf32>
func.func @bf16(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xbf16>,
                %slots: tensor<?xindex>, %weights: tensor<?x2xbf16>, %n: index) -> tensor<?x6xbf16> {
  %zero = arith.constant 0.0 : bf16
  %nothing = tensor.splat %zero[%n] : tensor<?x6xbf16>
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xbf16>) -> tensor<?x6xbf16> {
  ^bb0(%acc: f32):
    %r = arith.truncf %acc : f32 to bf16
    moe.yield %r : bf16
  }
  %s = moe.scatter %p to %slots : tensor<?x6xbf16>, tensor<?xindex> outs(%nothing : tensor<?x6xbf16>) -> tensor<?x6xbf16>
  %y = moe.combine_slots %s 2 weighted_sum weights %weights : tensor<?x6xbf16>, tensor<?x2xbf16>
      outs(%init : tensor<?x6xbf16>) -> tensor<?x6xbf16>
  return %y : tensor<?x6xbf16>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=lse | Reason="the weights of this kind of combination are not factors of the rows"
// CHECK-LABEL: func.func @lse
// CHECK-NOT: moe.scatter
// CHECK: moe.grouped_matmul %{{.*}} scatter
// CHECK: moe.combine_slots %{{.*}} 2 log_sum_exp weights
func.func @lse(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %slots: tensor<?xindex>, %weights: tensor<?x2xf32>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %s = moe.scatter %p to %slots : tensor<?x6xf32>, tensor<?xindex> outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = moe.combine_slots %s 2 log_sum_exp weights %weights : tensor<?x6xf32>, tensor<?x2xf32>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=no_product | Reason="the rows are not those of a product"
// REMARK: [Missed] not fused | {{.*}} | Function=no_product | Reason="the rows are not those of a product that scatters"
// CHECK-LABEL: func.func @no_product
// CHECK: moe.scatter
// CHECK: weighted_sum
func.func @no_product(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %slots: tensor<?xindex>, %weights: tensor<?x2xf32>)
    -> tensor<?x6xf32> {
  %s = moe.scatter %init to %slots : tensor<?x6xf32>, tensor<?xindex> outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = moe.combine_slots %s 2 weighted_sum weights %weights : tensor<?x6xf32>, tensor<?x2xf32>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// What unused slots hold is not known: the scatter goes, the weights stay.
// REMARK: [Missed] not fused | {{.*}} | Function=unknown | Reason="slots that get no row keep a value that would have to be weighted, too"
// CHECK-LABEL: func.func @unknown
// CHECK: moe.grouped_matmul %{{.*}} scatter
// CHECK: weighted_sum
func.func @unknown(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %slots: tensor<?xindex>, %weights: tensor<?x2xf32>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %s = moe.scatter %p to %slots : tensor<?x6xf32>, tensor<?xindex> outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = moe.combine_slots %s 2 weighted_sum weights %weights : tensor<?x6xf32>, tensor<?x2xf32>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=scalars | Reason="the product has scalars in the order of the sorted rows"
// REMARK: [Missed] not fused | {{.*}} | Function=users | Reason="the product has other users"
// CHECK-LABEL: func.func @scalars
// CHECK: moe.scatter
func.func @scalars(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %slots: tensor<?xindex>, %s: tensor<?xf32>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets scalars %s
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex> scalars tensor<?xf32>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32, %s0: f32):
    moe.yield %acc : f32
  }
  %r = moe.scatter %p to %slots : tensor<?x6xf32>, tensor<?xindex> outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}
func.func @users(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %slots: tensor<?xindex>)
    -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %r = moe.scatter %p to %slots : tensor<?x6xf32>, tensor<?xindex> outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %p, %r : tensor<?x6xf32>, tensor<?x6xf32>
}
