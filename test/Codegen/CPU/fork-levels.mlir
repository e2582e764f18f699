// RUN: moe-opt %s --moe-fork-levels | FileCheck %s
// RUN: moe-opt %s --moe-fork-levels=levels=x86-64-v3 | FileCheck %s --check-prefix=ONE
// RUN: not moe-opt %s --moe-fork-levels=levels=x86-64-v3,sse2 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: error: unknown machine level: sse2

// One level needs no copy.
// ONE: moe.layer @moe0 block 0 = @k(@w)
// ONE-NOT: variants
// ONE: func.func @k(

// Both layers of the kernel get the copies; the kernel itself goes.
// CHECK: moe.layer @moe0 block 0 = @k_x86_64_v4(@w) variants [@k_x86_64_v4, @k_x86_64_v3]
// CHECK: func.func @k_x86_64_v4({{.*}}attributes {moe.level = "x86-64-v4"}
// CHECK: func.func @k_x86_64_v3({{.*}}attributes {moe.level = "x86-64-v3"}
// CHECK: moe.layer @moe1 block 1 = @k_x86_64_v4(@w) variants [@k_x86_64_v4, @k_x86_64_v3]
// CHECK-NOT: func.func @k(
moe.weight @w : tensor<2x4xf32> from "w"
moe.layer @moe0 block 0 = @k(@w)
func.func @k(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}
moe.layer @moe1 block 1 = @k(@w)
