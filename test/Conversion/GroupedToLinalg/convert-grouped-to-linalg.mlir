// RUN: moe-opt %s --convert-grouped-to-linalg | FileCheck %s
// RUN: rm -rf %t && mkdir -p %t/include/moe/Conversion && ln -s %moe_src_root/test %t/test
// RUN: sed -n '/^def ConvertGroupedToLinalg/,/^}/p' %moe_src_root/include/moe/Conversion/Passes.td \
// RUN:   > %t/include/moe/Conversion/Passes.td
// RUN: %python %S/../../Meta/Inputs/pass_examples.py %t Conversion

// The example of the pass's description, which comes out as described. Each op has a test of its own beside this one.
// CHECK-LABEL: func.func @product
// CHECK: scf.forall (%{{.*}}) in (%{{.*}})
// CHECK: moe.tile_product
// CHECK-NOT: moe.grouped_matmul
func.func @product(%x: tensor<?x4xf32>, %w: tensor<8x64x4xf32>, %offsets: tensor<9xindex>, %init: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %y = moe.grouped_matmul %x weights %w offsets %offsets
      : tensor<?x4xf32> weights tensor<8x64x4xf32> offsets tensor<9xindex> outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32> {
  ^bb0(%acc: f32):
    moe.yield %acc : f32
  }
  return %y : tensor<?x64xf32>
}
