// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --canonicalize --cse | FileCheck %s

// It names what comes next and must neither go nor move.
// CHECK-LABEL: func.func @prefetch
// CHECK: moe.prefetch %arg0, %arg1 : tensor<2x8xbf16>, tensor<2x8xbf16>
func.func @prefetch(%a: tensor<2x8xbf16>, %b: tensor<2x8xbf16>) {
  moe.prefetch %a, %b : tensor<2x8xbf16>, tensor<2x8xbf16>
  return
}
