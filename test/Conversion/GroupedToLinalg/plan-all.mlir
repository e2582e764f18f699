// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s
// RUN: moe-opt %s --convert-grouped-to-linalg | %run_main | FileCheck %s --check-prefix=RESULT

// No ids are read and nothing is counted: one task for each expert.
// CHECK-LABEL: func.func @plan
// CHECK-SAME: %[[T:.*]]: index, %[[O:.*]]: tensor<4xindex>, %[[I:.*]]: tensor<?xindex>
// CHECK: %[[OFFSETS:.*]] = scf.for %[[E:.*]] = {{.*}} iter_args(%[[C:.*]] = %[[O]])
// CHECK-NEXT: %[[FIRST:.*]] = arith.muli %[[E]], %[[T]]
// CHECK-NEXT: tensor.insert %[[FIRST]] into %[[C]][%[[E]]]
// CHECK: %[[PARTS:.*]]:2 = scf.forall (%[[E:.*]]) in (3) shared_outs(%[[TOKENS:.*]] = %[[I]], %[[SLOTS:.*]] = %[[I]])
// CHECK: %[[BEGIN:.*]] = arith.muli %[[E]], %[[T]]
// CHECK: tensor.extract_slice %[[TOKENS]][%[[BEGIN]]] [%[[T]]]
// CHECK: scf.for %[[ROW:.*]] = %{{.*}} to %[[T]]
// CHECK: %[[M:.*]] = arith.muli %[[ROW]], %{{.*}}3
// CHECK: %[[SLOT:.*]] = arith.addi %[[M]], %[[E]]
// CHECK: tensor.insert %[[ROW]]
// CHECK: tensor.insert %[[SLOT]]
// CHECK: return %[[OFFSETS]], %[[PARTS]]#0, %[[PARTS]]#1
func.func @plan(%t: index, %o: tensor<4xindex>, %i: tensor<?xindex>)
    -> (tensor<4xindex>, tensor<?xindex>, tensor<?xindex>) {
  %offsets, %tokens, %slots = moe.plan_all %t outs(%o, %i, %i : tensor<4xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<4xindex>, tensor<?xindex>, tensor<?xindex>
  return %offsets, %tokens, %slots : tensor<4xindex>, tensor<?xindex>, tensor<?xindex>
}

// Two rows, three experts.
// RESULT: 0, 2, 4, 6
// RESULT: 0, 1, 0, 1, 0, 1
// RESULT: 0, 3, 1, 4, 2, 5
func.func private @printMemrefInd(tensor<*xindex>)
func.func @main() {
  %two = arith.constant 2 : index
  %o = arith.constant dense<0> : tensor<4xindex>
  %z = arith.constant dense<0> : tensor<6xindex>
  %i = tensor.cast %z : tensor<6xindex> to tensor<?xindex>
  %r:3 = call @plan(%two, %o, %i) : (index, tensor<4xindex>, tensor<?xindex>)
      -> (tensor<4xindex>, tensor<?xindex>, tensor<?xindex>)
  %p = tensor.cast %r#0 : tensor<4xindex> to tensor<*xindex>
  call @printMemrefInd(%p) : (tensor<*xindex>) -> ()
  %q = tensor.cast %r#1 : tensor<?xindex> to tensor<*xindex>
  call @printMemrefInd(%q) : (tensor<*xindex>) -> ()
  %u = tensor.cast %r#2 : tensor<?xindex> to tensor<*xindex>
  call @printMemrefInd(%u) : (tensor<*xindex>) -> ()
  return
}
