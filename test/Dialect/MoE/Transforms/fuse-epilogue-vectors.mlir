// RUN: moe-opt %s --moe-fuse-epilogue --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-epilogue --remarks-filter=moe-fuse-epilogue --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Missed] not fused | {{.*}} | Function=vector | Reason="a vector is the same for every expert, and an epilogue takes one for each"
// CHECK-LABEL: func.func @vector
// CHECK: moe.map
func.func @vector(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %b: tensor<6xf32>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %h = moe.map %p, %b : tensor<?x6xf32>, tensor<6xf32> -> tensor<?x6xf32> {
  ^bb0(%v: f32, %c: f32):
    %s = arith.addf %v, %c : f32
    moe.yield %s : f32
  }
  return %h : tensor<?x6xf32>
}

// -----

// Where there is one expert, its vectors are columns; they come before the scalars.
// CHECK-LABEL: func.func @one_expert(
// CHECK-SAME: %[[B:[^:]*]]: tensor<6xbf16>
// CHECK: %[[COLUMN:.*]] = tensor.expand_shape %[[B]] {{\[}}[0, 1]] output_shape [1, 6]
// CHECK: moe.grouped_matmul {{.*}} columns %[[COLUMN]] scalars
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[BIAS:.*]]: bf16, %[[SCALAR:.*]]: f32):
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[ACC]], %[[SCALAR]]
// CHECK-NEXT: %[[E:.*]] = arith.extf %[[BIAS]]
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[P]], %[[E]]
// CHECK-NEXT: moe.yield %[[S]]
func.func @one_expert(%x: tensor<?x4xf32>, %w: tensor<1x6x4xf32>, %offsets: tensor<2xindex>, %s: tensor<?xf32>,
                      %b: tensor<6xbf16>, %init: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets scalars %s
      : tensor<?x4xf32> weights tensor<1x6x4xf32> offsets tensor<2xindex> scalars tensor<?xf32>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32, %scalar: f32):
    %m = arith.mulf %acc, %scalar : f32
    moe.yield %m : f32
  }
  %h = moe.map %p, %b : tensor<?x6xf32>, tensor<6xbf16> -> tensor<?x6xf32> {
  ^bb0(%v: f32, %c: bf16):
    %e = arith.extf %c : bf16 to f32
    %sum = arith.addf %v, %e : f32
    moe.yield %sum : f32
  }
  return %h : tensor<?x6xf32>
}
