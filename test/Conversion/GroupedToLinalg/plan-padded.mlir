// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s
// RUN: moe-opt %s --convert-grouped-to-linalg | %run_main | FileCheck %s --check-prefix=RESULT

// One pass: the count of an expert is where its next slot goes.
// CHECK-LABEL: func.func @plan
// CHECK-SAME: %[[IDS:.*]]: tensor<?x2xi32>, %[[N:.*]]: tensor<3xindex>, %[[P:.*]]: tensor<6xindex>
// CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} outs(%[[N]]
// CHECK: %[[LOOP:.*]]:3 = scf.for %[[T:.*]] = {{.*}} iter_args(%{{.*}} = %[[ZERO]], %{{.*}} = %[[P]], %{{.*}} = %[[P]])
// CHECK: scf.for %[[K:.*]] = {{.*}} iter_args(%[[COUNTS:.*]] = %{{.*}}, %[[TOKENS:.*]] = %{{.*}}, %[[SLOTS:.*]] = %{{.*}})
// CHECK: %[[BASE:.*]] = arith.muli %[[T]]
// CHECK: %[[SLOT:.*]] = arith.addi %[[BASE]], %[[K]]
// CHECK: %[[ID:.*]] = tensor.extract %[[IDS]][%[[T]], %[[K]]]
// CHECK: %[[USED:.*]] = arith.cmpi sge, %[[ID]]
// CHECK: %[[E:.*]] = arith.index_cast
// CHECK: %[[TAKEN:.*]] = tensor.extract %[[COUNTS]][%[[E]]]
// CHECK: %[[ROOM:.*]] = arith.cmpi ult, %[[TAKEN]], %c2
// CHECK: %[[FITS:.*]] = arith.andi %[[USED]], %[[ROOM]]
// CHECK: scf.if %[[FITS]]
// CHECK: %[[BEGIN:.*]] = arith.muli %[[E]], %c2
// CHECK: %[[AT:.*]] = arith.addi %[[BEGIN]], %[[TAKEN]]
// CHECK-DAG: tensor.insert %{{.*}} into %[[COUNTS]][%[[E]]]
// CHECK-DAG: tensor.insert %[[T]] into %[[TOKENS]][%[[AT]]]
// CHECK-DAG: tensor.insert %[[SLOT]] into %[[SLOTS]][%[[AT]]]
// CHECK: return %[[LOOP]]#0, %[[LOOP]]#1, %[[LOOP]]#2
func.func @plan(%ids: tensor<?x2xi32>, %n: tensor<3xindex>, %p: tensor<6xindex>)
    -> (tensor<3xindex>, tensor<6xindex>, tensor<6xindex>) {
  %counts, %tokens, %slots = moe.plan_padded %ids capacity 2 : tensor<?x2xi32>
      outs(%n, %p, %p : tensor<3xindex>, tensor<6xindex>, tensor<6xindex>)
      -> tensor<3xindex>, tensor<6xindex>, tensor<6xindex>
  return %counts, %tokens, %slots : tensor<3xindex>, tensor<6xindex>, tensor<6xindex>
}

// Expert 2 has no room for its third slot, 7; expert 1 leaves a place that nothing is written to; slot 3 goes nowhere.
// RESULT: 2, 1, 2
// RESULT: 0, 2, 2, 99, 0, 1
// RESULT: 1, 4, 5, 99, 0, 2
func.func private @printMemrefInd(tensor<*xindex>)
func.func @main() {
  %given = arith.constant dense<[[2, 0], [2, -1], [0, 1], [-1, 2]]> : tensor<4x2xi32>
  %ids = tensor.cast %given : tensor<4x2xi32> to tensor<?x2xi32>
  %n = arith.constant dense<7> : tensor<3xindex>
  %p = arith.constant dense<99> : tensor<6xindex>
  %r:3 = call @plan(%ids, %n, %p) : (tensor<?x2xi32>, tensor<3xindex>, tensor<6xindex>)
      -> (tensor<3xindex>, tensor<6xindex>, tensor<6xindex>)
  %a = tensor.cast %r#0 : tensor<3xindex> to tensor<*xindex>
  call @printMemrefInd(%a) : (tensor<*xindex>) -> ()
  %b = tensor.cast %r#1 : tensor<6xindex> to tensor<*xindex>
  call @printMemrefInd(%b) : (tensor<*xindex>) -> ()
  %c = tensor.cast %r#2 : tensor<6xindex> to tensor<*xindex>
  call @printMemrefInd(%c) : (tensor<*xindex>) -> ()
  return
}
