// RUN: moe-opt %s --moe-to-grouped --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-to-grouped --remarks-filter=moe-to-grouped --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// What is no product runs row by row; what the slice alone gives is computed there. The products stay products.
// REMARK: [Missed] not a grouped product | Category:moe-to-grouped | Function=between | Reason="the rows are not those of one moe.linear that nothing else takes, so it runs row by row"
// CHECK-LABEL: func.func @between(
// CHECK-SAME: %[[ROWS:[^:]*]]: tensor<?x4xf32>, %[[OFFSETS:[^:]*]]: tensor<9xindex>
// CHECK-SAME: %[[U:[^:]*]]: tensor<8x6x4xf32>, %[[S:[^:]*]]: tensor<8x4xf32>
// CHECK: %[[B:.*]] = moe.grouped_body %[[ROWS]] weights %[[S]] offsets %[[OFFSETS]]
// CHECK-NEXT: ^bb0(%[[R:.*]]: tensor<?x4xf32>, %[[V:.*]]: tensor<4xf32>):
// CHECK-NEXT: %[[E:.*]] = math.exp %[[V]]
// CHECK-NEXT: %[[M:.*]] = moe.map %[[R]], %[[E]]
// CHECK: moe.yield %[[M]]
// CHECK: moe.grouped_matmul %[[B]] weights %[[U]] offsets %[[OFFSETS]]
func.func @between(%x: !moe.ragged<8, 4, f32>, %u: tensor<8x6x4xf32>, %s: tensor<8x4xf32>) -> !moe.ragged<8, 6, f32> {
  %y = moe.experts %x weights %u, %s
      : !moe.ragged<8, 4, f32>, tensor<8x6x4xf32>, tensor<8x4xf32> -> !moe.ragged<8, 6, f32> {
  ^bb0(%r: tensor<?x4xf32>, %w: tensor<6x4xf32>, %v: tensor<4xf32>):
    %e = math.exp %v : tensor<4xf32>
    %m = moe.map %r, %e : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32> {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %b : f32
      moe.yield %c : f32
    }
    %p = moe.linear %m, %w : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
    moe.yield %p : tensor<?x6xf32>
  }
  return %y : !moe.ragged<8, 6, f32>
}

// -----

// A number for each row cannot leave a body, so it is computed where it is needed, twice.
// REMARK: Function=twice | Reason="neither moe.linear nor moe.map, so it runs row by row"
// CHECK-LABEL: func.func @twice(
// CHECK: %[[B:.*]] = moe.grouped_body
// CHECK: linalg.reduce
// CHECK: linalg.generic
// CHECK: %[[P:.*]] = moe.grouped_matmul %[[B]]
// CHECK: moe.grouped_body %[[P]], %{{.*}} offsets
// CHECK: linalg.reduce
// CHECK: linalg.generic
#both = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @twice(%x: !moe.ragged<8, 4, f32>, %u: tensor<8x4x4xf32>) -> !moe.ragged<8, 4, f32> {
  %y = moe.experts %x weights %u : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %w: tensor<4x4xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %s = linalg.reduce {arith.addf} ins(%r : tensor<?x4xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
    %i = tensor.empty(%n) : tensor<?x4xf32>
    %a = linalg.generic {indexing_maps = [#both, #row, #both], iterator_types = ["parallel", "parallel"]}
        ins(%r, %s : tensor<?x4xf32>, tensor<?xf32>) outs(%i : tensor<?x4xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %d = arith.divf %p, %q : f32
      linalg.yield %d : f32
    } -> tensor<?x4xf32>
    %l = moe.linear %a, %w : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %b = linalg.generic {indexing_maps = [#both, #row, #both], iterator_types = ["parallel", "parallel"]}
        ins(%l, %s : tensor<?x4xf32>, tensor<?xf32>) outs(%i : tensor<?x4xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %d = arith.mulf %p, %q : f32
      linalg.yield %d : f32
    } -> tensor<?x4xf32>
    moe.yield %b : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}

// -----

// A product by one matrix of the expert and one that is everybody's.
// REMARK: Function=mixed | Reason="a matrix is not a weight's slice as it is, so it runs row by row"
// CHECK-LABEL: func.func @mixed(
// CHECK: moe.grouped_body
// CHECK: moe.linear %{{.*}}, %{{.*}}, %{{.*}}
func.func @mixed(%x: !moe.ragged<8, 4, f32>, %w: tensor<8x4x4xf32>, %shared: tensor<4x4xf32>) -> !moe.ragged<8, 4, f32> {
  %y = moe.experts %x weights %w : !moe.ragged<8, 4, f32>, tensor<8x4x4xf32> -> !moe.ragged<8, 4, f32> {
  ^bb0(%r: tensor<?x4xf32>, %we: tensor<4x4xf32>):
    %p, %q = moe.linear %r, %we, %shared
        : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>, tensor<?x4xf32>
    %s = arith.addf %p, %q : tensor<?x4xf32>
    moe.yield %s : tensor<?x4xf32>
  }
  return %y : !moe.ragged<8, 4, f32>
}
