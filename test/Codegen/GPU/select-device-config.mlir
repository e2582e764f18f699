// RUN: moe-opt %s --moe-select-device-config | FileCheck %s
// RUN: moe-opt %s --moe-select-device-config=chip=sm_120 | FileCheck %s --check-prefix=SM120
// RUN: not moe-opt %s --moe-select-device-config=chip=sm_70 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not moe-opt %S/Inputs/rounded-weight.mlir --moe-select-device-config 2>&1 | FileCheck %s --check-prefix=FORMAT

// CHECK: module attributes {moe.target = {chip = "sm_80", features = "+ptx80", threads = 128 : i64}}
// CHECK: moe.router
// CHECK-SAME: config <level = "sm_80", columns = 32, rows = [16], k_group = 1, vector = 1, task_rows = 16>
// SM120: moe.target = {chip = "sm_120", features = "+ptx87"
// SM120: config <level = "sm_120"
// CHIP: error: unknown chip: expected sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100a or sm_120, got 'sm_70'
// FORMAT: error: {{.*}} has a weight in the number format "int8", which no device kernel reads yet; expects f32, bf16 or f16
func.func @k(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
             %v: tensor<?x2xf32>) -> tensor<?x2xi32> {
  %logits, %ids, %weights = moe.router %x, %w select #moe.top_k<2> rank logits weigh #moe.softmax over selected
      : tensor<?x4xf32>, tensor<8x4xf32> outs(%l, %i, %v : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return %ids : tensor<?x2xi32>
}
