// RUN: moe-opt %s --convert-grouped-to-linalg --canonicalize --cse --moe-emit-slot-reductions=level=x86-64-v3 \
// RUN:   --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,V3
// RUN: moe-opt %s --convert-grouped-to-linalg --canonicalize --cse --moe-emit-slot-reductions=level=avx512-bf16 \
// RUN:   --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,BF16

// 83 columns. With 8 lanes: two strips of four vectors, two vectors, and 3 columns that fill no vector. With 16 lanes:
// one strip, one vector, 3 columns.
// CHECK-LABEL: func.func @weighted_sum
// CHECK: scf.forall
// CHECK: %[[WEIGHTS:.*]] = tensor.extract_slice %{{.*}} : tensor<?x2xbf16> to tensor<?x2xbf16>
// CHECK: scf.for %[[ROW:[^ ]*]] =
// V3: scf.for %{{.*}} = %c0 to %c64 step %c32
// V3: scf.for %[[SLOT:[^ ]*]] = %c0 to %c2 step %c1 iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
// BF16: scf.for %[[SLOT:[^ ]*]] = %c0 to %c2 step %c1 iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: %[[Y:.*]] = vector.transfer_read %{{.*}}[%[[ROW]], %[[SLOT]], %{{.*}}], %{{.*}} {in_bounds = [true]}
// CHECK: %[[W:.*]] = tensor.extract %[[WEIGHTS]][%[[ROW]], %[[SLOT]]]
// CHECK: arith.extf %[[Y]] : vector<[[LANES:8|16]]xbf16> to vector<[[LANES]]xf32>
// The weight is one for all lanes: extended once, then spread.
// CHECK: %[[W32:.*]] = arith.extf %[[W]] : bf16 to f32
// CHECK: vector.broadcast %[[W32]] : f32 to vector<[[LANES]]xf32>
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.truncf %{{.*}} : vector<[[LANES]]xf32> to vector<[[LANES]]xbf16>
// V3: scf.for %{{.*}} = %c64 to %c80 step %c8
// CHECK: vector.transfer_read %{{.*}}[%[[ROW]], %{{.*}}, %c80], %{{[^ ]*}} : tensor<?x2x83xbf16>
// CHECK: vector.transfer_write %{{.*}}[%[[ROW]], %c80] : vector<[[LANES]]xbf16>, tensor<?x83xbf16>
// CHECK-NOT: moe.slot_reduction
func.func @weighted_sum(%r: tensor<?x83xbf16>, %w: tensor<?x2xbf16>, %o: tensor<?x83xbf16>) -> tensor<?x83xbf16> {
  %y = moe.combine_slots %r 2 weighted_sum weights %w : tensor<?x83xbf16>, tensor<?x2xbf16>
      outs(%o : tensor<?x83xbf16>) -> tensor<?x83xbf16>
  return %y : tensor<?x83xbf16>
}

// CHECK-LABEL: func.func @log_sum_exp
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1
// CHECK: math.log %{{.*}} : f32
// CHECK: math.exp %{{.*}} : vector<
// CHECK: arith.select %{{.*}} : vector<{{8|16}}xi1>, vector<
// CHECK-NOT: linalg.generic
func.func @log_sum_exp(%r: tensor<?x64xf32>, %w: tensor<?x3xf32>, %o: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = moe.combine_slots %r 3 log_sum_exp weights %w : tensor<?x64xf32>, tensor<?x3xf32> outs(%o : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
