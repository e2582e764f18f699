// RUN: moe-opt %s --moe-choose-variants --split-input-file --verify-diagnostics | FileCheck %s
// RUN: moe-opt %s --moe-choose-variants --remarks-filter=moe-choose-variants --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: moe-opt %s --moe-choose-variants=variants=grouped --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=GROUPED
// RUN: moe-opt %s --moe-choose-variants=variants=single-row --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=SINGLE
// RUN: moe-opt %s --moe-choose-variants=variants=padded --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=PADDED
// RUN: moe-opt %s --moe-choose-variants=variants=padded --remarks-filter=moe-choose-variants --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNPADDED
// RUN: not moe-opt %s --moe-choose-variants=variants=dense 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown variants "dense": expected auto, single-row, grouped or padded
// UNPADDED: [Missed] declined | {{.*}} | Function=few | Reason="the routing has no capacity", Remark="padded groups"
// PADDED-LABEL: func.func @few
// PADDED-NOT: moe.variants
// PADDED-LABEL: func.func @capacity
// PADDED: moe.plan {{.*}} capacity 2 {moe.variants = #moe.variants<<padded from 0, {{[1-9][0-9]*}} ns>>}
// PADDED: moe.plan {{.*}} {moe.variants = #moe.variants<<grouped from 0, 0 ns>>}
// PADDED-LABEL: func.func @large
// PADDED: moe.variants<<padded from 0
// REMARK: [Passed] chosen | Category:moe-choose-variants | Function=few | Remark="single rows for T < 32: {{[0-9.]+}} us instead of {{[0-9.]+}} us at T = 1; sorted rows from there on: {{[0-9.]+}} us instead of {{[0-9.]+}} us at T = 32"
// CHECK-LABEL: func.func @few
// CHECK: moe.plan {{.*}} {moe.variants = #moe.variants<<single_row from 0, {{[0-9]+}} ns>, <grouped from 32, {{[0-9]+}} ns>>}
// GROUPED-LABEL: func.func @few
// GROUPED-NOT: moe.variants
// GROUPED-LABEL: func.func @slow_reads
// SINGLE-LABEL: func.func @few
// SINGLE: moe.plan {{.*}} {moe.variants = #moe.variants<<single_row from 0, {{[0-9]+}} ns>>}
// SINGLE-LABEL: func.func @slow_turns
// SINGLE: moe.plan {{.*}} {moe.variants = #moe.variants<<single_row from 0, {{[0-9]+}} ns>>}
// SINGLE-LABEL: func.func @taken
// SINGLE-NOT: moe.variants
func.func @few(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %n = arith.muli %t, %c2 : index
  %o = tensor.empty() : tensor<9xindex>
  %i = tensor.empty(%n) : tensor<?xindex>
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %g = tensor.empty(%t) : tensor<?x4xf32>
  %y = moe.combine_slots %p 2 sum : tensor<?x4xf32> outs(%g : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// A machine where a repeated read is slow and a sort is free takes sorted rows earlier; constants that it does not give
// are the model's.
// REMARK: [Passed] chosen | {{.*}} | Function=slow_reads | Remark="single rows for T < 2:
// CHECK-LABEL: func.func @slow_reads
// CHECK: moe.plan {{.*}} {moe.variants = #moe.variants<<single_row from 0, {{[1-9][0-9]*}} ns>, <grouped from 2, {{[1-9][0-9]*}} ns>>}
module attributes {moe.machine = {near_size = 1, shared_size = 1, thread_bytes = 1000000, memory_bytes = 1000000}} {
func.func @slow_reads(%x: tensor<?x64xf32>, %ids: tensor<?x4xi32>, %w: tensor<8x32x64xf32>, %o: tensor<9xindex>,
                      %i: tensor<?xindex>, %f: tensor<?x32xf32>, %g: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x4xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x64xf32> gather tensor<?xindex> weights tensor<8x32x64xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 4 sum : tensor<?x32xf32> outs(%g : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// Where a turn of the slots is slow, too, single rows are not worth having.
// REMARK: [Missed] declined | {{.*}} | Function=slow_turns | {{.*}}Reason="at T = 1 they take {{[0-9.]+}} us, sorted rows {{[0-9.]+}} us"
// CHECK-LABEL: func.func @slow_turns
// CHECK: moe.plan %{{[a-z0-9]*}} : tensor
module attributes {moe.machine = {slot_ps = 1000000000}} {
func.func @slow_turns(%x: tensor<?x64xf32>, %ids: tensor<?x4xi32>, %w: tensor<8x32x64xf32>, %o: tensor<9xindex>,
                      %i: tensor<?xindex>, %f: tensor<?x32xf32>, %g: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x4xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x64xf32> gather tensor<?xindex> weights tensor<8x32x64xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 4 sum : tensor<?x32xf32> outs(%g : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}

// -----

// Experts of a capacity, and small ones: from the number of rows on whose slots may take all places, padded groups save
// enough of the sort. A choice that is there stays.
// REMARK: [Passed] chosen | {{.*}} | Function=capacity | Remark="single rows for T < {{[0-9]+}}: {{.*}} sorted rows from there on:
// REMARK: [Passed] chosen | {{.*}} | Function=capacity | Remark="padded groups for T >= 64: {{[0-9.]+}} us instead of {{[0-9.]+}} us at T = 64"
// CHECK-LABEL: func.func @capacity
// CHECK: moe.plan {{.*}} capacity 2 {moe.variants = #moe.variants<<single_row from 0, {{[0-9]+}} ns>, <grouped from {{[0-9]+}}, {{[0-9]+}} ns>, <padded from 64, {{[0-9]+}} ns>>}
// CHECK: moe.plan {{.*}} {moe.variants = #moe.variants<<grouped from 0, 0 ns>>}
func.func @capacity(%x: tensor<?x64xf32>, %ids: tensor<?x1xi32>, %w: tensor<32x32x64xf32>, %o: tensor<33xindex>,
                    %i: tensor<?xindex>, %f: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x1xi32>
      outs(%o, %i, %i : tensor<33xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<33xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x64xf32> gather tensor<?xindex> weights tensor<32x32x64xf32> offsets tensor<33xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 1 sum ids %ids : tensor<?x32xf32> ids tensor<?x1xi32> outs(%f : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %offsets2, %tokens2, %slots2 = moe.plan %ids {moe.variants = #moe.variants<<grouped from 0, 0 ns>>} : tensor<?x1xi32>
      outs(%o, %i, %i : tensor<33xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<33xindex>, tensor<?xindex>, tensor<?xindex>
  %p2 = moe.grouped_matmul %x gather %tokens2 weights %w offsets %offsets2 scatter %slots2
      : tensor<?x64xf32> gather tensor<?xindex> weights tensor<32x32x64xf32> offsets tensor<33xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y2 = moe.combine_slots %p2 1 sum : tensor<?x32xf32> outs(%f : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y, %y2 : tensor<?x32xf32>, tensor<?x32xf32>
}

// -----

// Where all places may be taken before rows are sorted at all, padded groups take the place of sorted rows; and where
// single rows are not worth having, that of the first variant.
// CHECK-LABEL: func.func @early
// CHECK: moe.plan {{.*}} capacity 1 {moe.variants = #moe.variants<<single_row from 0, {{[0-9]+}} ns>, <padded from 32, {{[0-9]+}} ns>>}
func.func @early(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
                 %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %offsets, %tokens, %slots = moe.plan %ids capacity 1 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// REMARK: [Missed] declined | {{.*}} | Function=unlimited_turns | {{.*}}Remark="single rows"
// CHECK-LABEL: func.func @unlimited_turns
// CHECK: moe.plan {{.*}} capacity 2 {moe.variants = #moe.variants<<grouped from 0, {{[0-9]+}} ns>, <padded from 8, {{[0-9]+}} ns>>}
module attributes {moe.machine = {slot_ps = 1000000000}} {
func.func @unlimited_turns(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xindex>,
                           %i: tensor<?xindex>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %offsets, %tokens, %slots = moe.plan %ids capacity 2 : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x4xf32> gather tensor<?xindex> weights tensor<8x4x4xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 2 sum ids %ids : tensor<?x4xf32> ids tensor<?x2xi32> outs(%f : tensor<?x4xf32>)
      -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
}

// -----

// Beside the products of large experts a sort is nothing.
// REMARK: [Missed] declined | {{.*}} | Function=large | Reason="at T = 64, where every place may be taken, they take {{[0-9.]+}} us and sorted rows {{[0-9.]+}} us", Remark="padded groups"
// CHECK-LABEL: func.func @large
// CHECK: moe.plan {{.*}} capacity 8 {moe.variants = #moe.variants<<single_row from 0, {{[0-9]+}} ns>, <grouped from {{[0-9]+}}, {{[0-9]+}} ns>>}
func.func @large(%x: tensor<?x512xf32>, %ids: tensor<?x1xi32>, %w: tensor<8x512x512xf32>, %o: tensor<9xindex>,
                 %i: tensor<?xindex>, %f: tensor<?x512xf32>) -> tensor<?x512xf32> {
  %offsets, %tokens, %slots = moe.plan %ids capacity 8 : tensor<?x1xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %p = moe.grouped_matmul %x gather %tokens weights %w offsets %offsets scatter %slots
      : tensor<?x512xf32> gather tensor<?xindex> weights tensor<8x512x512xf32> offsets tensor<9xindex>
        scatter tensor<?xindex> outs(%f : tensor<?x512xf32>) -> tensor<?x512xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  %y = moe.combine_slots %p 1 sum ids %ids : tensor<?x512xf32> ids tensor<?x1xi32> outs(%f : tensor<?x512xf32>)
      -> tensor<?x512xf32>
  return %y : tensor<?x512xf32>
}

// -----

// Sorted rows that somebody takes as they are leave nothing to choose.
// REMARK: [Missed] declined | {{.*}} | Function=taken | {{.*}}Reason="rows in the order of the plan leave the block"
// CHECK-LABEL: func.func @taken
// CHECK-NOT: moe.variants
func.func @taken(%x: tensor<?x64xf32>, %ids: tensor<?x4xi32>, %o: tensor<9xindex>, %i: tensor<?xindex>,
                 %f: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %offsets, %tokens, %slots = moe.plan %ids : tensor<?x4xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  %rows = moe.gather %x at %tokens : tensor<?x64xf32>, tensor<?xindex> outs(%f : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %rows : tensor<?x64xf32>
}
