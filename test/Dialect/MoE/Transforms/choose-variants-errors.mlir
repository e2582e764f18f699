// RUN: moe-opt %s --moe-choose-variants --split-input-file --verify-diagnostics

// expected-error @below {{expects moe.machine to give positive integers for known constants, got "speed" = 3 : i64}}
module attributes {moe.machine = {speed = 3}} {
}

// -----

// expected-error @below {{expects moe.machine to give positive integers for known constants, got "threads" = 0 : i64}}
module attributes {moe.machine = {threads = 0}} {
}

// -----

// expected-error @below {{expects moe.machine to be a dictionary}}
module attributes {moe.machine = 3} {
}
