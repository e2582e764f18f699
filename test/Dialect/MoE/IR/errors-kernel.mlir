// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @prefetch_c1() {
  // expected-error @+1 {{expects at least one matrix}}
  "moe.prefetch"() : () -> ()
  return
}

// -----

func.func @prefetch_c2(%a: tensor<2x8xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{expects matrices of one type, got 'tensor<2x8xf32>', 'tensor<2x4xf32>'}}
  moe.prefetch %a, %b : tensor<2x8xf32>, tensor<2x4xf32>
  return
}
