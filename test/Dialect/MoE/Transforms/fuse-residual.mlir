// RUN: moe-opt %s --moe-fuse-residual --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-residual --remarks-filter=moe-fuse-residual --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-fuse-residual | Function=residual | Remark="in the epilogue of the combination"
// CHECK-LABEL: func.func @residual
// CHECK-SAME: %[[SLOTS:[^:]*]]: tensor<?x4xf32>, %[[X:[^:]*]]: tensor<?x4xf32>, %[[INIT:[^:]*]]: tensor<?x4xf32>
// CHECK: %[[N:.*]] = tensor.dim %[[INIT]]
// CHECK: %[[E:.*]] = tensor.empty(%[[N]])
// CHECK: %[[Y:.*]] = moe.combine_slots %[[SLOTS]] 2 sum others %[[X]] : tensor<?x4xf32> others tensor<?x4xf32> outs(%[[E]] : tensor<?x4xf32>) -> tensor<?x4xf32> epilogue {
// CHECK-NEXT: ^bb0(%[[B:.*]]: f32, %[[A:.*]]: f32):
// CHECK: %[[S:.*]] = arith.mulf %[[B]]
// CHECK: %[[V:.*]] = arith.addf %[[A]], %[[S]]
// CHECK: moe.yield %[[V]]
// CHECK-NOT: moe.map
// CHECK: return %[[Y]]
func.func @residual(%slots: tensor<?x4xf32>, %x: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %sum = moe.combine_slots %slots 2 sum : tensor<?x4xf32> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.map %x, %sum : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %scale = arith.constant 0.5 : f32
    %scaled = arith.mulf %b, %scale : f32
    %v = arith.addf %a, %scaled : f32
    moe.yield %v : f32
  }
  return %y : tensor<?x4xf32>
}

// -----

// A chain of maps, with rows and a vector; what the combination gave is rounded as it was.
// REMARK-COUNT-2: [Passed] fused | Category:moe-fuse-residual | Function=chain
// CHECK-LABEL: func.func @chain
// CHECK-SAME: %{{[^:]*}}: tensor<?x4xf32>, %[[W:[^:]*]]: tensor<?x2xf32>, %[[X:[^:]*]]: tensor<?x4xbf16>, %[[S:[^:]*]]: tensor<4xf32>
// CHECK: moe.combine_slots %{{.*}} 2 weighted_sum weights %[[W]] others %[[X]], %[[S]]
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[A:.*]]: bf16, %[[B:.*]]: f32):
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK: %[[ADDED:.*]] = arith.addf %[[ROUNDED]], %[[A]]
// CHECK: %[[WIDE:.*]] = arith.extf %[[ADDED]]
// CHECK: %[[OUT:.*]] = arith.mulf %[[WIDE]], %[[B]]
// CHECK: moe.yield %[[OUT]]
// CHECK-NOT: moe.map
func.func @chain(%slots: tensor<?x4xf32>, %w: tensor<?x2xf32>, %x: tensor<?x4xbf16>, %s: tensor<4xf32>,
                 %init: tensor<?x4xbf16>) -> tensor<?x4xf32> {
  %sum = moe.combine_slots %slots 2 weighted_sum weights %w : tensor<?x4xf32>, tensor<?x2xf32>
      outs(%init : tensor<?x4xbf16>) -> tensor<?x4xbf16>
  %y = moe.map %sum, %x : tensor<?x4xbf16>, tensor<?x4xbf16> -> tensor<?x4xbf16> {
  ^bb0(%a: bf16, %b: bf16):
    %v = arith.addf %a, %b : bf16
    moe.yield %v : bf16
  }
  %z = moe.map %y, %s : tensor<?x4xbf16>, tensor<4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: bf16, %b: f32):
    %e = arith.extf %a : bf16 to f32
    %v = arith.mulf %e, %b : f32
    moe.yield %v : f32
  }
  return %z : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not fused | Category:moe-fuse-residual | Function=others | Reason="the combined rows have other users"
// CHECK-LABEL: func.func @others
// CHECK: moe.combine_slots
// CHECK: moe.map
func.func @others(%slots: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %sum = moe.combine_slots %slots 2 sum : tensor<?x4xf32> outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.map %sum : tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    %v = arith.negf %a : f32
    moe.yield %v : f32
  }
  return %sum, %y : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// REMARK: [Missed] not fused | Category:moe-fuse-residual | Function=picked | Reason="where experts pick rows, the combination has no epilogue"
// CHECK-LABEL: func.func @picked
// CHECK: moe.combine_rows
// CHECK: moe.map
func.func @picked(%slots: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %sum = moe.combine_rows %slots by %ids sum : tensor<?x4xf32>, tensor<?x2xi32>
      outs(%init : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = moe.map %sum : tensor<?x4xf32> -> tensor<?x4xf32> {
  ^bb0(%a: f32):
    %v = arith.negf %a : f32
    moe.yield %v : f32
  }
  return %y : tensor<?x4xf32>
}
