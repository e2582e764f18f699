// A Mixtral layer, small: router, plan, two products and a sum of two rows, and nothing between them in memory.
// RUN: moe-opt %s --moe-optimize-pipeline=variants=grouped --verify-roundtrip | FileCheck %s --implicit-check-not='{{= moe\.}}'
// RUN: moe-opt %s --moe-optimize-pipeline="fuse=false variants=grouped" | FileCheck %s --check-prefix=STEPS --implicit-check-not='{{= moe\.}}'
// RUN: moe-opt %s --moe-optimize-pipeline --verify-roundtrip | FileCheck %s --check-prefix=AUTO
// RUN: moe-opt %moe_src_root/docs/examples/layers/mixtral.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/dense.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/deepseek_v3.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/gaussian_mixture.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/gpt_oss.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/two_level_tree.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/patch_expert_choice.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/llama4.mlir --moe-optimize-pipeline -o /dev/null
// RUN: moe-opt %moe_src_root/docs/examples/layers/longcat_flash.mlir --moe-optimize-pipeline -o /dev/null

// CHECK-LABEL: func.func @mixtral(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x64xbf16>, %[[ROUTER:[^:]*]]: tensor<8x64xbf16>, %[[GATE:[^:]*]]: tensor<8x80x64xbf16>,
// CHECK-SAME: %[[UP:[^:]*]]: tensor<8x80x64xbf16>, %[[DOWN:[^:]*]]: tensor<8x64x80xbf16>
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK: %[[LOGITS:.*]], %[[EXPERTS:.*]], %[[WEIGHTS:.*]] = moe.router %[[X]], %[[ROUTER]] select #moe.top_k<2> rank scores
// CHECK-SAME: weigh #moe.softmax over all renormalize
// CHECK: %[[N:.*]] = arith.muli %[[T]]
// CHECK: %[[OFFSETS:.*]], %[[TOKENS:.*]], %[[SLOTS:.*]] = moe.plan %[[EXPERTS]]
// CHECK: %[[H:.*]] = moe.grouped_matmul %[[X]] gather %[[TOKENS]] weights %[[GATE]], %[[UP]] offsets %[[OFFSETS]] :
// CHECK-SAME: -> tensor<?x80xbf16>
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32):
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
// CHECK-NEXT: %[[NEG:.*]] = arith.negf %[[G]]
// CHECK-NEXT: %[[EXP:.*]] = math.exp %[[NEG]]
// CHECK-NEXT: %[[DEN:.*]] = arith.addf %[[EXP]], %[[ONE]]
// CHECK-NEXT: %[[SILU:.*]] = arith.divf %[[G]], %[[DEN]]
// CHECK-NEXT: %[[PROD:.*]] = arith.mulf %[[SILU]], %[[U]]
// CHECK-NEXT: %[[OUT:.*]] = arith.truncf %[[PROD]] : f32 to bf16
// CHECK-NEXT: moe.yield %[[OUT]]
// CHECK: %[[FACTORS:.*]] = tensor.collapse_shape %[[WEIGHTS]]
// CHECK: %[[S:.*]] = moe.grouped_matmul %[[H]] weights %[[DOWN]] offsets %[[OFFSETS]] scalars %[[FACTORS]]
// CHECK-SAME: scatter %[[SLOTS]]
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[FACTOR:.*]]: f32):
// CHECK-NEXT: %[[WEIGHTED:.*]] = arith.mulf %[[ACC]], %[[FACTOR]]
// CHECK-NEXT: moe.yield %[[WEIGHTED]]
// CHECK: %[[Y:.*]] = moe.combine_slots %[[S]] 2 sum :
// CHECK: return %[[Y]], %[[LOGITS]], %[[EXPERTS]], %[[WEIGHTS]]

// Few rows go slot by slot, from the same router and with the same weights.
// AUTO-LABEL: func.func @mixtral(
// AUTO-COUNT-1: moe.router
// AUTO: scf.if
// AUTO: func.call @mixtral_single_row(
// AUTO: func.call @mixtral_grouped(
// AUTO: moe.variants = #moe.variants<<single_row from 0
// AUTO: func.func private @mixtral_single_row(
// AUTO-COUNT-2: moe.slot_matmul
// AUTO: moe.combine_slots
// AUTO: func.func private @mixtral_grouped(
// AUTO: moe.plan
// AUTO-COUNT-2: moe.grouped_matmul
// AUTO: moe.combine_slots

// STEPS: moe.grouped_matmul
// STEPS: moe.select
// STEPS: moe.plan
// STEPS: moe.gather
// STEPS: moe.grouped_matmul
// STEPS: moe.grouped_matmul
// STEPS: moe.map
// STEPS: moe.grouped_matmul
// STEPS: moe.scatter
// STEPS: moe.combine_slots %{{.*}} 2 weighted_sum weights
func.func @mixtral(%x: tensor<?x64xbf16>, %router: tensor<8x64xbf16>, %gate: tensor<8x80x64xbf16>,
                   %up: tensor<8x80x64xbf16>, %down: tensor<8x64x80xbf16>)
    -> (tensor<?x64xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %logits = moe.score.affine %x, %router : tensor<?x64xbf16>, tensor<8x64xbf16> -> tensor<?x8xbf16>
  %routing = moe.route %logits select #moe.top_k<2> rank scores weigh #moe.softmax over all
      renormalize <> : tensor<?x8xbf16> -> !moe.routing<8, 2, f32>
  %experts, %weights = moe.unpack_routing %routing : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows = moe.dispatch %x by %routing : tensor<?x64xbf16>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 64, bf16>
  %outputs = moe.experts %rows weights %gate, %up, %down : !moe.ragged<8, 64, bf16>, tensor<8x80x64xbf16>,
      tensor<8x80x64xbf16>, tensor<8x64x80xbf16> -> !moe.ragged<8, 64, f32> {
  ^bb0(%r: tensor<?x64xbf16>, %wg: tensor<80x64xbf16>, %wu: tensor<80x64xbf16>, %wd: tensor<64x80xbf16>):
    %g = moe.linear %r, %wg : tensor<?x64xbf16>, tensor<80x64xbf16> -> tensor<?x80xf32>
    %u = moe.linear %r, %wu : tensor<?x64xbf16>, tensor<80x64xbf16> -> tensor<?x80xf32>
    %h = moe.map %g, %u : tensor<?x80xf32>, tensor<?x80xf32> -> tensor<?x80xbf16> {
    ^bb0(%a: f32, %b: f32):
      %one = arith.constant 1.0 : f32
      %neg = arith.negf %a : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %exp, %one : f32
      %silu = arith.divf %a, %den : f32
      %prod = arith.mulf %silu, %b : f32
      %out = arith.truncf %prod : f32 to bf16
      moe.yield %out : bf16
    }
    %y = moe.linear %h, %wd : tensor<?x80xbf16>, tensor<64x80xbf16> -> tensor<?x64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %output = moe.combine %outputs by %routing weighted_sum
      : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, f32> -> tensor<?x64xbf16>
  return %output, %logits, %experts, %weights : tensor<?x64xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
}
