// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- device.h - what kernels of these tests call --------------------------------------------------------===//
//
// A kernel here is right as it stands. Compiled with -DFAULT=NAME it has the fault of that name, which is where the
// constant `fault` is asked for. Operations are intrinsics where clang has them, else PTX: numbers are operands, in the
// order of the text.
#ifndef MOE_TEST_EMULATOR_INPUTS_DEVICE_H
#define MOE_TEST_EMULATOR_INPUTS_DEVICE_H

#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __device__ __attribute__((device, always_inline)) inline
#define __constant_parameter__ __attribute__((grid_constant))
#define kernel extern "C" __global__ void

#ifndef FAULT
#define FAULT none
#endif

using bf16 = __bf16;
using uint64 = unsigned long;

/// Dynamic shared memory.
extern __shared__ __attribute__((aligned(1024))) char moe_shared[];

extern "C" __attribute__((device)) void __syncthreads();

__device__ unsigned threadIndex() { return __nvvm_read_ptx_sreg_tid_x(); }
__device__ unsigned blockIndex() { return __nvvm_read_ptx_sreg_ctaid_x(); }
__device__ unsigned blockThreads() { return __nvvm_read_ptx_sreg_ntid_x(); }
__device__ unsigned sharedAddress(const void *p) {
  return unsigned(reinterpret_cast<uint64>((__attribute__((address_space(3))) const char *)p));
}
__device__ bf16 toBF16(float value) { return static_cast<bf16>(value); }

// cp.async: 16 bytes, those from `valid` on are zeros.
__device__ void copy16(void *to, const void *from, int valid = 16) {
  asm volatile("cp.async.cg.shared.global.16.s [%0], [%1], %2;" ::"r"(sharedAddress(to)), "l"(from), "r"(valid)
               : "memory");
}
__device__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int keep>
__device__ void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(keep) : "memory");
}

__device__ void loadMatrices(unsigned (&to)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(sharedAddress(row))
               : "memory");
}
/// sum += a * b, 16 x 16 times 16 x 8.
__device__ void multiply(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%10, %11, %12, %13};"
               : "=f"(sum[0]), "=f"(sum[1]), "=f"(sum[2]), "=f"(sum[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(sum[0]), "f"(sum[1]), "f"(sum[2]),
                 "f"(sum[3]));
}

// mbarriers, and bulk copies that report to them.
__device__ void initBarrier(uint64 *barrier, int count) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(count) : "memory");
}
__device__ void arrive(uint64 *barrier) {
  uint64 state;
  asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(state) : "r"(sharedAddress(barrier)) : "memory");
}
/// An arrival, after which `bytes` more must come.
__device__ void expectBytes(uint64 *barrier, unsigned bytes) {
  uint64 state;
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 %0, [%1], %2;"
               : "=l"(state)
               : "r"(sharedAddress(barrier)), "r"(bytes)
               : "memory");
}
__device__ void waitForPhase(uint64 *barrier, unsigned parity) {
  asm volatile(
      "{\n\t.reg .pred p;\n\twait: mbarrier.try_wait.parity.shared.b64 p, [%0], %1;\n\t@!p bra.uni wait;\n\t}" ::"r"(
          sharedAddress(barrier)),
      "r"(parity)
      : "memory");
}
__device__ void bulkLoad(void *to, const void *from, unsigned bytes, uint64 *barrier) {
  asm volatile(
      "cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(sharedAddress(to)),
      "l"(from), "r"(bytes), "r"(sharedAddress(barrier))
      : "memory");
}
__device__ void bulkStore(void *to, const void *from, unsigned bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to), "r"(sharedAddress(from)),
               "r"(bytes)
               : "memory");
}
__device__ void commitBulk() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
__device__ void waitForBulkReads() { asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(0) : "memory"); }
__device__ void fenceAsyncProxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Tensor maps, and products of a warpgroup on operands in shared memory.
struct alignas(64) TensorMap {
  char bytes[128];
};
/// The box of `map` whose first element is in column `x` of row `y`.
__device__ void tensorLoad(void *to, const TensorMap &map, int x, int y, uint64 *barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], "
               "[%4];" ::"r"(sharedAddress(to)),
               "l"(&map), "r"(x), "r"(y), "r"(sharedAddress(barrier))
               : "memory");
}
/// Of an operand with 64 elements of 2 bytes along k, swizzled by 128 bytes; `stride` bytes from 8 rows to the next.
__device__ uint64 descriptor(const void *p, unsigned stride = 1024, uint64 swizzle = 1) {
  return uint64(sharedAddress(p) >> 4 & 0x3fff) | uint64(stride >> 4) << 32 | swizzle << 62;
}
/// sum += a * b, 64 x 16 times 16 x 8.
__device__ void multiplyOfWarpgroup(float (&sum)[4], uint64 a, uint64 b) {
  asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %10, 0;\n\t"
               "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %8, %9, p, %11, %12, %13, %14;\n\t}"
               : "=f"(sum[0]), "=f"(sum[1]), "=f"(sum[2]), "=f"(sum[3])
               : "0"(sum[0]), "1"(sum[1]), "2"(sum[2]), "3"(sum[3]), "l"(a), "l"(b), "n"(1), "n"(1), "n"(1), "n"(0),
                 "n"(0)
               : "memory");
}
__device__ void fenceProducts() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
__device__ void waitForProducts() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(0) : "memory"); }

#endif // MOE_TEST_EMULATOR_INPUTS_DEVICE_H
