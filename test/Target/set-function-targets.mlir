// RUN: moe-opt %s --moe-set-function-targets | FileCheck %s

// CHECK: llvm.func @k() attributes {target_cpu = "x86-64-v4", target_features = #llvm.target_features<["-prefer-256-bit"]>}
llvm.func @k() attributes {moe.level = "x86-64-v4", moe.target = {cpu = "x86-64-v4", features = "-prefer-256-bit"}} {
  llvm.return
}

// A function without a target of its own is compiled as its module.
// CHECK: llvm.func @other() {
llvm.func @other() {
  llvm.return
}
