// RUN: moe-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// #moe.renormalize C1
// expected-error @below {{expects p >= 1, got 5.000000e-01}}
"test.op"() {r = #moe.renormalize<p = 0.5>} : () -> ()

// -----

// #moe.renormalize C1
// expected-error @below {{expects p >= 1, got nan}}
"test.op"() {r = #moe.renormalize<p = 0x7FF8000000000000>} : () -> ()

// -----

// #moe.renormalize C2
// expected-error @below {{expects eps >= 0, got -1.000000e+00}}
"test.op"() {r = #moe.renormalize<eps = -1.0>} : () -> ()

// -----

// #moe.renormalize C3
// expected-error @below {{expects min >= 0, got -1.000000e+00}}
"test.op"() {r = #moe.renormalize<min = -1.0>} : () -> ()

// -----

// expected-error @below {{expects p, eps or min, got q}}
"test.op"() {r = #moe.renormalize<q = 1.0>} : () -> ()
