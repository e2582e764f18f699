// RUN: moe-opt %s --moe-lower-byte-ops --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-lower-byte-ops=level=avx512-vnni --split-input-file | FileCheck %s --check-prefix=VNNI
// RUN: moe-opt %s --moe-lower-byte-ops=level=avx-vnni --split-input-file | FileCheck %s --check-prefix=AVX

// CHECK-LABEL: func.func @dot
// CHECK-COUNT-4: arith.muli
// CHECK-NOT: moe.dot_bytes
// VNNI-LABEL: func.func @dot
// VNNI-COUNT-4: arith.muli
func.func @dot(%sums: vector<4xi32>, %codes: vector<16xi8>, %row: vector<16xi8>) -> vector<4xi32> {
  %next = moe.dot_bytes %sums, %codes, %row : vector<4xi32>, vector<16xi8>
  return %next : vector<4xi32>
}

// -----

// CHECK-LABEL: func.func @wide
// CHECK-NOT: llvm.call_intrinsic
// CHECK-COUNT-15: arith.select
// VNNI-LABEL: func.func @wide
// VNNI-SAME: %[[SUMS:.*]]: vector<16xi32>, %[[CODES:.*]]: vector<64xi8>, %[[ROW:.*]]: vector<64xi8>
// VNNI: %[[TABLE:.*]] = arith.constant dense<[12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0, 12,{{.*}} : vector<64xi8>
// VNNI: %[[U:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"(%[[TABLE]], %[[CODES]])
// VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[SUMS]], %[[U]], %[[ROW]])
func.func @wide(%sums: vector<16xi32>, %codes: vector<64xi8>, %row: vector<64xi8>) -> vector<16xi32> {
  %u = moe.look_up_bytes %codes in [12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0] : vector<64xi8>
  %next = moe.dot_bytes %sums, %u, %row : vector<16xi32>, vector<64xi8>
  return %next : vector<16xi32>
}

// -----

// 32 bytes are a vector of AVX2; more and fewer are not.
// CHECK-LABEL: func.func @half
// CHECK-COUNT-4: arith.muli
// VNNI-LABEL: func.func @half
// VNNI-NOT: llvm.call_intrinsic
// AVX-LABEL: func.func @wide
// AVX-NOT: llvm.call_intrinsic
// AVX-LABEL: func.func @half
// AVX-SAME: %[[SUMS:.*]]: vector<8xi32>, %[[CODES:.*]]: vector<32xi8>, %[[ROW:.*]]: vector<32xi8>
// AVX: %[[U:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%{{.*}}, %[[CODES]])
// AVX: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%[[SUMS]], %[[U]], %[[ROW]])
func.func @half(%sums: vector<8xi32>, %codes: vector<32xi8>, %row: vector<32xi8>) -> vector<8xi32> {
  %u = moe.look_up_bytes %codes in [12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0] : vector<32xi8>
  %next = moe.dot_bytes %sums, %u, %row : vector<8xi32>, vector<32xi8>
  return %next : vector<8xi32>
}
