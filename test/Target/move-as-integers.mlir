// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: moe-opt %s --moe-move-as-integers | FileCheck %s

// CHECK-LABEL: @store
// CHECK: %[[BITS:.*]] = llvm.bitcast %{{.*}} : vector<16xbf16> to vector<16xi16>
// CHECK: llvm.intr.masked.store %[[BITS]], {{.*}} : vector<16xi16>
llvm.func @store(%v: vector<16xbf16>, %p: !llvm.ptr, %m: vector<16xi1>) {
  llvm.intr.masked.store %v, %p, %m {alignment = 2 : i32} : vector<16xbf16>, vector<16xi1> into !llvm.ptr
  llvm.return
}

// CHECK-LABEL: @load
// CHECK: %[[OLD:.*]] = llvm.bitcast %{{.*}} : vector<16xbf16> to vector<16xi16>
// CHECK: %[[BITS:.*]] = llvm.intr.masked.load {{.*}}, %[[OLD]] {{.*}} -> vector<16xi16>
// CHECK: %[[NEW:.*]] = llvm.bitcast %[[BITS]] : vector<16xi16> to vector<16xbf16>
// CHECK: llvm.return %[[NEW]]
llvm.func @load(%p: !llvm.ptr, %m: vector<16xi1>, %old: vector<16xbf16>) -> vector<16xbf16> {
  %v = llvm.intr.masked.load %p, %m, %old {alignment = 2 : i32}
    : (!llvm.ptr, vector<16xi1>, vector<16xbf16>) -> vector<16xbf16>
  llvm.return %v : vector<16xbf16>
}

// CHECK-LABEL: @plain
// CHECK: %[[BITS:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i16
// CHECK: %[[NUMBER:.*]] = llvm.bitcast %[[BITS]] : i16 to bf16
// CHECK: %[[AGAIN:.*]] = llvm.bitcast %[[NUMBER]] : bf16 to i16
// CHECK: llvm.store %[[AGAIN]], {{.*}} : i16, !llvm.ptr
llvm.func @plain(%p: !llvm.ptr, %q: !llvm.ptr) {
  %v = llvm.load %p : !llvm.ptr -> bf16
  llvm.store %v, %q : bf16, !llvm.ptr
  llvm.return
}

// Other elements are moved as they are.
// CHECK-LABEL: @others
// CHECK-NOT: bitcast
// CHECK: llvm.return
llvm.func @others(%v: vector<8xf16>, %p: !llvm.ptr, %m: vector<8xi1>) {
  llvm.intr.masked.store %v, %p, %m {alignment = 2 : i32} : vector<8xf16>, vector<8xi1> into !llvm.ptr
  llvm.return
}
