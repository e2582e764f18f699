// RUN: moe-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// #moe.variant C1
// expected-error @below {{expects a variant from 0 or more rows on, got -1}}
"test.op"() {v = #moe.variant<grouped from -1, 0 ns>} : () -> ()

// -----

// #moe.variant C2
// expected-error @below {{expects an estimate of 0 or more nanoseconds, got -5}}
"test.op"() {v = #moe.variant<grouped from 0, -5 ns>} : () -> ()

// -----

// #moe.variants C1
// expected-error @below {{expects at least one variant, the first from 0 rows on}}
"test.op"() {v = #moe.variants<<grouped from 1, 0 ns>>} : () -> ()

// -----

// #moe.variants C2
// expected-error @below {{expects each variant from more rows on than the one before, got 4 after 4}}
"test.op"() {v = #moe.variants<<grouped from 0, 0 ns>, <single_row from 4, 0 ns>, <grouped from 4, 0 ns>>} : () -> ()
