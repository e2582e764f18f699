// RUN: moe-opt %s --moe-select-kernel-config --verify-diagnostics

func.func @unknown(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32> {moe.format = "int3"}, %offsets: tensor<9xindex>,
                   %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{has weights in a number format that this build does not have; expects f32, bf16, f16, int8, int4:g32, int4:g128, int4:g32:zp, int4:g128:zp, fp8:g128 or mxfp4}}
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x4x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x4xf32>)
      -> tensor<?x4xf32> {
  ^bb0(%s: f32):
    moe.yield %s : f32
  }
  return %y : tensor<?x4xf32>
}
