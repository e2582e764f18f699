// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s
// RUN: moe-opt %s --convert-grouped-to-linalg | %run_main | FileCheck %s --check-prefix=RESULT

// Count, prefix sum, place: a stable counting sort of the slots by expert.
// CHECK-LABEL: func.func @plan
// CHECK-SAME: %[[IDS:.*]]: tensor<?x2xi32>, %[[O:.*]]: tensor<9xindex>, %[[T:.*]]: tensor<?xindex>, %[[S:.*]]: tensor<?xindex>
// CHECK: %[[ROWS:.*]] = tensor.dim %[[IDS]]
// CHECK: %[[ZEROS:.*]] = linalg.fill {{.*}} outs(%[[O]]
// CHECK: %[[COUNTS:.*]] = scf.for %[[ROW:.*]] = %{{.*}} to %[[ROWS]] {{.*}} iter_args(%{{.*}} = %[[ZEROS]])
// CHECK: scf.for %[[CHOICE:.*]] = {{.*}} to %{{.*}}2 {{.*}} iter_args(%[[COUNT:.*]] =
// CHECK: %[[ID:.*]] = tensor.extract %[[IDS]][%[[ROW]], %[[CHOICE]]]
// CHECK: %[[USED:.*]] = arith.cmpi ne, %[[ID]], %{{.*}} : i32
// CHECK: scf.if %[[USED]]
// CHECK: %[[EXPERT:.*]] = arith.index_cast %[[ID]] : i32 to index
// CHECK: %[[NEXT:.*]] = arith.addi %[[EXPERT]], %{{.*}} : index
// CHECK: tensor.insert %{{.*}} into %[[COUNT]][%[[NEXT]]]
// CHECK: else
// CHECK-NEXT: scf.yield %[[COUNT]]
// CHECK: %[[SUMS:.*]]:3 = scf.for %{{.*}} = {{.*}} iter_args(%{{.*}} = %[[COUNTS]], %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: %[[PLACED:.*]]:3 = scf.for {{.*}} iter_args(%{{.*}} = %[[T]], %{{.*}} = %[[S]], %{{.*}} = %[[SUMS]]#1)
// CHECK: return %[[SUMS]]#0, %[[PLACED]]#0, %[[PLACED]]#1
func.func @plan(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>, %s: tensor<?xindex>)
    -> (tensor<9xindex>, tensor<?xindex>, tensor<?xindex>) {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32> outs(%o, %t, %s : tensor<9xindex>, tensor<?xindex>,
      tensor<?xindex>) -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return %offsets, %tokens, %slots : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
}

// The same on numbers. Rows 0 and 2 choose expert 7 first; the second choice of row 1 is dropped (-1), so five slots of
// six have a place, and experts 0 to 2, 4 and 5 have none.
// RESULT: 0, 0, 0, 0, 2, 2, 2, 3, 5
// RESULT: 0, 2, 1, 0, 2
// RESULT: 1, 5, 2, 0, 4
func.func private @printMemrefInd(tensor<*xindex>)
func.func @main() {
  %ids = arith.constant dense<[[7, 3], [6, -1], [7, 3]]> : tensor<3x2xi32>
  %d = tensor.cast %ids : tensor<3x2xi32> to tensor<?x2xi32>
  %o = arith.constant dense<0> : tensor<9xindex>
  %z = arith.constant dense<0> : tensor<6xindex>
  %t = tensor.cast %z : tensor<6xindex> to tensor<?xindex>
  %r:3 = call @plan(%d, %o, %t, %t) : (tensor<?x2xi32>, tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> (tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
  %p = tensor.cast %r#0 : tensor<9xindex> to tensor<*xindex>
  call @printMemrefInd(%p) : (tensor<*xindex>) -> ()
  %q = tensor.cast %r#1 : tensor<?xindex> to tensor<*xindex>
  call @printMemrefInd(%q) : (tensor<*xindex>) -> ()
  %u = tensor.cast %r#2 : tensor<?xindex> to tensor<*xindex>
  call @printMemrefInd(%u) : (tensor<*xindex>) -> ()
  return
}
