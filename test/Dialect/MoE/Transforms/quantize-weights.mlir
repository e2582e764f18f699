// RUN: moe-opt %s --moe-quantize-weights --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-quantize-weights --remarks-filter=moe-quantize-weights --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: moe-opt %s --moe-quantize-weights=format=int4:g32 --split-input-file | FileCheck %s --check-prefix=INT4

// REMARK: [Passed] quantized | Category:moe-quantize-weights | {{.*}}Remark="1 weights of k to int8"
// CHECK: moe.weight @up : tensor<8x4xf32> from "up" format "int8"
// CHECK: func.func @k(%{{.*}}: tensor<?x4xbf16>, %{{.*}}: tensor<8x4xf32> {moe.format = "int8"})
// CHECK-NEXT: moe.linear {{.*}} : tensor<?x4xbf16>, tensor<8x4xf32> -> tensor<?x8xf32>
// INT4: moe.weight @up : tensor<8x4xf32> from "up" format "int4:g32"
// INT4: {moe.format = "int4:g32"}
moe.weight @up : tensor<8x4xbf16> from "up"
moe.layer @moe0 block 0 = @k(@up)
func.func @k(%x: tensor<?x4xbf16>, %up: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %y = moe.linear %x, %up : tensor<?x4xbf16>, tensor<8x4xbf16> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Experts' matrices, but neither what scores them, be it made of products, nor a bias; two blocks share a kernel.
// CHECK-DAG: moe.weight @in : tensor<8x4xbf16> from "in"{{$}}
// CHECK-DAG: moe.weight @router : tensor<2x8xbf16> from "router"{{$}}
// CHECK-DAG: moe.weight @up : tensor<2x4x4xf32> from "up.{e}" transposed format "int8"
// CHECK-DAG: moe.weight @up1 : tensor<2x4x4xf32> from "up1.{e}" format "int8"
// CHECK-DAG: moe.weight @bias : tensor<2x4xbf16> from "bias.{e}"{{$}}
// CHECK: func.func @k(%{{.*}}: tensor<?x4xbf16>, %{{.*}}: tensor<8x4xbf16>, %{{.*}}: tensor<2x8xbf16>, %{{.*}}: tensor<2x4x4xf32> {moe.format = "int8"}, %{{.*}}: tensor<2x4xbf16>)
// CHECK: ^bb0(%{{.*}}: tensor<?x4xbf16>, %{{.*}}: tensor<4x4xf32>, %{{.*}}: tensor<4xbf16>)
moe.weight @in : tensor<8x4xbf16> from "in"
moe.weight @router : tensor<2x8xbf16> from "router"
moe.weight @up : tensor<2x4x4xbf16> from "up.{e}" transposed
moe.weight @up1 : tensor<2x4x4xbf16> from "up1.{e}"
moe.weight @bias : tensor<2x4xbf16> from "bias.{e}"
moe.layer @moe0 block 0 = @k(@in, @router, @up, @bias)
moe.layer @moe1 block 1 = @k(@in, @router, @up1, @bias)
func.func @k(%x: tensor<?x4xbf16>, %in: tensor<8x4xbf16>, %router: tensor<2x8xbf16>, %up: tensor<2x4x4xbf16>,
             %bias: tensor<2x4xbf16>) -> tensor<?x4xbf16> {
  %h = moe.linear %x, %in : tensor<?x4xbf16>, tensor<8x4xbf16> -> tensor<?x8xbf16>
  %logits = moe.score.affine %h, %router : tensor<?x8xbf16>, tensor<2x8xbf16> -> tensor<?x2xf32>
  %routing = moe.route %logits select #moe.top_k<1> rank logits weigh #moe.softmax over selected
      : tensor<?x2xf32> -> !moe.routing<2, 1, f32>
  %rows = moe.dispatch %x by %routing : tensor<?x4xbf16>, !moe.routing<2, 1, f32> -> !moe.ragged<2, 4, bf16>
  %outs = moe.experts %rows weights %up, %bias : !moe.ragged<2, 4, bf16>, tensor<2x4x4xbf16>, tensor<2x4xbf16>
      -> !moe.ragged<2, 4, f32> {
  ^bb0(%r: tensor<?x4xbf16>, %w: tensor<4x4xbf16>, %b: tensor<4xbf16>):
    %p = moe.linear %r, %w : tensor<?x4xbf16>, tensor<4x4xbf16> -> tensor<?x4xf32>
    %q = moe.map %p, %b : tensor<?x4xf32>, tensor<4xbf16> -> tensor<?x4xf32> {
    ^bb0(%v: f32, %c: bf16):
      %d = arith.extf %c : bf16 to f32
      %s = arith.addf %v, %d : f32
      moe.yield %s : f32
    }
    moe.yield %q : tensor<?x4xf32>
  }
  %y = moe.combine %outs by %routing weighted_sum
      : !moe.ragged<2, 4, f32>, !moe.routing<2, 1, f32> -> tensor<?x4xbf16>
  return %y : tensor<?x4xbf16>
}

// -----

// Nothing to round.
// REMARK: [Missed] not quantized | {{.*}}Reason="no weight of k does nothing but multiply rows"
// CHECK: moe.weight @router : tensor<2x4xf32> from "router"{{$}}
moe.weight @router : tensor<2x4xf32> from "router"
moe.layer @moe0 block 0 = @k(@router)
func.func @k(%x: tensor<?x4xf32>, %router: tensor<2x4xf32>) -> tensor<?x2xf32> {
  %logits = moe.score.affine %x, %router : tensor<?x4xf32>, tensor<2x4xf32> -> tensor<?x2xf32>
  return %logits : tensor<?x2xf32>
}
