// RUN: moe-opt %s --moe-fuse-gather --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-fuse-gather --remarks-filter=moe-fuse-gather --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: [Passed] fused | Category:moe-fuse-gather | Function=gather | Remark="the gather into the loads of the product"
// CHECK-LABEL: func.func @gather(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>, %[[TOKENS:[^:]*]]: tensor<?xindex>
// CHECK-NOT: moe.gather
// CHECK: moe.grouped_matmul %[[X]] gather %[[TOKENS]] weights
func.func @gather(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>,
                  %a: tensor<?x4xf32>, %b: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %rows = moe.gather %x at %tokens : tensor<?x4xf32>, tensor<?xindex>
      outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%b : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %p : tensor<?x6xf32>
}

// -----

// Two products of one gather, and a question for its size.
// CHECK-LABEL: func.func @two(
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x4xf32>
// CHECK-NOT: moe.gather
// CHECK: tensor.dim %[[A]]
// CHECK-COUNT-2: moe.grouped_matmul %{{.*}} gather
func.func @two(%a: tensor<?x4xf32>, %x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %tokens: tensor<?xindex>)
    -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %c0 = arith.constant 0 : index
  %rows = moe.gather %x at %tokens : tensor<?x4xf32>, tensor<?xindex> outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  %n = tensor.dim %rows, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x6xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %q = moe.grouped_matmul %rows weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %p, %q : tensor<?x6xf32>, tensor<?x6xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=stored | Reason="the gathered rows have a user that is not a product, so they must be stored anyway"
// CHECK-LABEL: func.func @stored
// CHECK: moe.gather
func.func @stored(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %tokens: tensor<?xindex>, %a: tensor<?x4xf32>)
    -> (tensor<?x6xf32>, tensor<?x4xf32>) {
  %rows = moe.gather %x at %tokens : tensor<?x4xf32>, tensor<?xindex> outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %p, %rows : tensor<?x6xf32>, tensor<?x4xf32>
}

// -----

// A product that gathers already would have to gather twice.
// REMARK: [Missed] not fused | {{.*}} | Function=gathers | Reason="the gathered rows have a user that is not a product, so they must be stored anyway"
// CHECK-LABEL: func.func @gathers
// CHECK: moe.gather
func.func @gathers(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x6xf32>, %tokens: tensor<?xindex>, %a: tensor<?x4xf32>)
    -> tensor<?x6xf32> {
  %rows = moe.gather %x at %tokens : tensor<?x4xf32>, tensor<?xindex> outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows gather %tokens weights %w offsets %offsets
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %p : tensor<?x6xf32>
}

// -----

// REMARK: [Missed] not fused | {{.*}} | Function=weighted | Reason="the rows are weighted on the way, and a product takes them as they are"
// CHECK-LABEL: func.func @weighted(
// CHECK: %[[ROWS:.*]] = moe.gather %{{.*}} weights
// CHECK: moe.grouped_matmul %[[ROWS]] weights
func.func @weighted(%x: tensor<?x4xf32>, %tokens: tensor<?xindex>, %s: tensor<?xf32>, %w: tensor<8x6x4xf32>,
                    %offsets: tensor<9xindex>, %a: tensor<?x4xf32>, %b: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %rows = moe.gather %x at %tokens weights %s slots %tokens : tensor<?x4xf32>, tensor<?xindex> weights tensor<?xf32>
      slots tensor<?xindex> outs(%a : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = moe.grouped_matmul %rows weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x6x4xf32> offsets tensor<9xindex>
      outs(%b : tensor<?x6xf32>) -> tensor<?x6xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %p : tensor<?x6xf32>
}
