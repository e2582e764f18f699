// RUN: moe-opt %s --moe-emulate-amx --canonicalize --split-input-file | FileCheck %s
// RUN: not moe-opt %s --moe-emulate-amx=level=sse2 --split-input-file 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: error: unknown machine level: sse2

// CHECK-LABEL: func.func @copy
// CHECK-NOT: amx
// CHECK: %[[ROW:.*]] = vector.load %{{.*}}[%{{.*}}, %c0] : memref<8x8xbf16>, vector<8xbf16>
// CHECK: vector.store %{{.*}}, %{{.*}}[%c1, %c0] : memref<8x8xbf16>, vector<8xbf16>
func.func @copy(%from: memref<8x8xbf16>, %to: memref<8x8xbf16>, %i: index) {
  %c0 = arith.constant 0 : index
  %tile = amx.tile_load %from[%i, %c0] : memref<8x8xbf16> into !amx.tile<2x8xbf16>
  amx.tile_store %to[%c0, %c0], %tile : memref<8x8xbf16>, !amx.tile<2x8xbf16>
  return
}

// -----

// A product that a loop carries: 2 rows of 2 columns, 4 elements of the reduction. Each pair is two fused steps on sums
// of their own; denormals are zeros of their sign.
// CHECK-LABEL: func.func @product
// CHECK-NOT: amx
// CHECK: %[[STEPS:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}}, %{{.*}}) -> (vector<2xf32>, vector<2xf32>)
// CHECK: scf.for
// CHECK: %[[PAIRS:.*]]:2 = scf.for {{.*}} -> (vector<2xf32>, vector<2xf32>)
// CHECK: vector.deinterleave
// CHECK: vector.fma
// CHECK: arith.select
// CHECK: vector.fma
// CHECK: arith.addf %[[PAIRS]]#0, %[[PAIRS]]#1 : vector<2xf32>
// CHECK: vector.store %[[STEPS]]#1
func.func @product(%a: memref<?x4xbf16>, %b: memref<2x4xbf16>, %c: memref<2x2xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = amx.tile_zero : !amx.tile<2x2xf32>
  %w = amx.tile_load %b[%c0, %c0] : memref<2x4xbf16> into !amx.tile<2x4xbf16>
  %sum = scf.for %i = %c0 to %n step %c2 iter_args(%s = %zero) -> (!amx.tile<2x2xf32>) {
    %x = amx.tile_load %a[%i, %c0] : memref<?x4xbf16> into !amx.tile<2x4xbf16>
    %next = amx.tile_mulf %x, %w, %s : !amx.tile<2x4xbf16>, !amx.tile<2x4xbf16>, !amx.tile<2x2xf32>
    scf.yield %next : !amx.tile<2x2xf32>
  }
  amx.tile_store %c[%c0, %c0], %sum : memref<2x2xf32>, !amx.tile<2x2xf32>
  return
}

// -----

// Bytes: signed rows by unsigned weights, four at a time, summed as integers.
// CHECK-LABEL: func.func @bytes
// CHECK-NOT: amx
// CHECK: scf.for
// CHECK: %[[SUM:.*]] = scf.for {{.*}} -> (vector<2xi32>)
// CHECK: vector.load %{{.*}} : memref<2x8xi8>, vector<4xi8>
// CHECK: moe.dot_bytes %{{.*}}, %{{.*}}, %{{.*}} : vector<2xi32>, vector<8xi8>
// CHECK: vector.store %[[SUM]]
func.func @bytes(%a: memref<2x8xi8>, %b: memref<2x8xi8>, %c: memref<2x2xi32>) {
  %c0 = arith.constant 0 : index
  %zero = amx.tile_zero : !amx.tile<2x2xi32>
  %w = amx.tile_load %b[%c0, %c0] : memref<2x8xi8> into !amx.tile<2x8xi8>
  %x = amx.tile_load %a[%c0, %c0] : memref<2x8xi8> into !amx.tile<2x8xi8>
  %sum = amx.tile_muli %x, %w zext, %zero : !amx.tile<2x8xi8>, !amx.tile<2x8xi8>, !amx.tile<2x2xi32>
  amx.tile_store %c[%c0, %c0], %sum : memref<2x2xi32>, !amx.tile<2x2xi32>
  return
}

// -----

// The level with the hardware keeps its tiles.
// CHECK-LABEL: func.func @native
// CHECK: amx.tile_store
func.func @native(%c: memref<2x2xf32>) attributes {moe.level = "amx"} {
  %c0 = arith.constant 0 : index
  %zero = amx.tile_zero : !amx.tile<2x2xf32>
  amx.tile_store %c[%c0, %c0], %zero : memref<2x2xf32>, !amx.tile<2x2xf32>
  return
}
