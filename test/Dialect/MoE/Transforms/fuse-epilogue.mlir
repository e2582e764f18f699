// RUN: moe-opt %s --moe-fuse-epilogue --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-epilogue --remarks-filter=moe-fuse-epilogue --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-fuse-epilogue | Function=relu | Remark="in the epilogue of the product"
// CHECK-LABEL: func.func @relu
// CHECK: %[[H:.*]] = moe.grouped_matmul
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: %[[MAX:.*]] = arith.maximumf %[[ACC]], %[[ZERO]]
// CHECK-NEXT: moe.yield %[[MAX]]
// CHECK-NOT: moe.map
// CHECK: return %[[H]]
func.func @relu(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %h = moe.map %p : tensor<?x6xf32> -> tensor<?x6xf32> {
  ^bb0(%v: f32):
    %zero = arith.constant 0.0 : f32
    %max = arith.maximumf %v, %zero : f32
    moe.yield %max : f32
  }
  return %h : tensor<?x6xf32>
}

// -----

// A chain of element-wise ops of other dialects, one of them with a splat, that changes the type.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: %[[S:[^ ]*]]: f32
// CHECK: %[[H:.*]] = moe.grouped_matmul
// CHECK-SAME: -> tensor<?x6xbf16>
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT: %[[EXP:.*]] = math.exp %[[ACC]] : f32
// CHECK-NEXT: %[[MUL:.*]] = arith.mulf %[[EXP]], %[[S]] fastmath<contract> : f32
// CHECK-NEXT: %[[OUT:.*]] = arith.truncf %[[MUL]] : f32 to bf16
// CHECK-NEXT: moe.yield %[[OUT]] : bf16
// CHECK: return %[[H]]
func.func @chain(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %s: f32, %n: index)
    -> tensor<?x6xbf16> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %splat = tensor.splat %s[%n] : tensor<?x6xf32>
  %e = math.exp %p : tensor<?x6xf32>
  %m = arith.mulf %e, %splat fastmath<contract> : tensor<?x6xf32>
  %t = arith.truncf %m : tensor<?x6xf32> to tensor<?x6xbf16>
  return %t : tensor<?x6xbf16>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=other_rows | Reason="it also takes rows that are not of this product"
// CHECK-LABEL: func.func @other_rows
// CHECK: arith.addf
func.func @other_rows(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %s = arith.addf %p, %init : tensor<?x6xf32>
  return %s : tensor<?x6xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=users | Reason="the product has other users"
// CHECK-LABEL: func.func @users
// CHECK: math.exp
func.func @users(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>)
    -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %p = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %e = math.exp %p : tensor<?x6xf32>
  return %p, %e : tensor<?x6xf32>, tensor<?x6xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=scatters | Reason="the product scatters its rows, and rows that it leaves alone would miss the function"
// CHECK-LABEL: func.func @scatters
// CHECK: math.exp
func.func @scatters(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %slots: tensor<?xindex>)
    -> tensor<?x6xf32> {
  %p = moe.grouped_matmul %x weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex> scatter tensor<?xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %e = math.exp %p : tensor<?x6xf32>
  return %e : tensor<?x6xf32>
}
