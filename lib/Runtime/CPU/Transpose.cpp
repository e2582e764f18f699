// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Square blocks that fit the vector registers, one cache line (AVX-512) or half of one of each row at a time; what is
// left over goes word by word. Stores are ordinary ones: a load writes memory that the system has just cleared, part of
// which is still in the caches, and there non-temporal stores are no faster (benchmarks/results/packing-*.md).
//===----------------------------------------------------------------------===//
#include "Transpose.h"

#include "moe/Runtime/Runtime.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace moe;

/// Words [c, cols) of rows [r, rows). A word moves as bytes: its elements may be smaller and lie anywhere. A line of
/// each row is used up before the next: rows often lie a multiple of 4 KB apart and push one another out of the cache.
static void plain(const char *src, int64_t rowBytes, int64_t r, int64_t rows, int64_t c, int64_t cols, char *dst,
                  int64_t dstStep) {
  constexpr int64_t line = 16;
  for (int64_t first = c; first < cols; first += line)
    for (int64_t n = r; n < rows; ++n)
      for (int64_t i = first; i < cols && i < first + line; ++i)
        std::memcpy(dst + (i * dstStep + n) * 4, src + n * rowBytes + i * 4, 4);
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void block16(const char *src, int64_t rowBytes, char *dst, int64_t dstStep) {
  __m512i a[16], b[16];
  for (int i = 0; i < 16; ++i)
    a[i] = _mm512_loadu_si512(src + i * rowBytes);
  for (int i = 0; i < 16; i += 2) { // pairs of rows
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) { // four rows: of lane l, word j of each is in a[i + j]
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  for (int j = 0; j < 4; ++j) { // lanes of the four groups of rows
    __m512i low0 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x44), high0 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xee);
    __m512i low1 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x44);
    __m512i high1 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xee);
    b[j] = _mm512_shuffle_i32x4(low0, low1, 0x88);
    b[4 + j] = _mm512_shuffle_i32x4(low0, low1, 0xdd);
    b[8 + j] = _mm512_shuffle_i32x4(high0, high1, 0x88);
    b[12 + j] = _mm512_shuffle_i32x4(high0, high1, 0xdd);
  }
  for (int i = 0; i < 16; ++i)
    _mm512_storeu_si512(dst + i * dstStep * 4, b[i]);
}

__attribute__((target("avx2"))) static void block8(const char *src, int64_t rowBytes, char *dst, int64_t dstStep) {
  __m256i a[8], b[8];
  for (int i = 0; i < 8; ++i)
    a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(src + i * rowBytes));
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  for (int j = 0; j < 4; ++j) {
    b[j] = _mm256_permute2x128_si256(a[j], a[4 + j], 0x20);
    b[4 + j] = _mm256_permute2x128_si256(a[j], a[4 + j], 0x31);
  }
  for (int i = 0; i < 8; ++i)
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(dst + i * dstStep * 4), b[i]);
}
#endif

void moe::transposeWords(const void *src, int64_t rowBytes, int64_t rows, int64_t cols, void *dst, int64_t dstStep) {
  const char *from = static_cast<const char *>(src);
  char *to = static_cast<char *>(dst);
  int64_t side = 0;
#if defined(__x86_64__)
  const uint64_t features = moe_cpu_features();
  auto *block = features & MOE_CPU_AVX512 ? block16 : block8;
  side = features & MOE_CPU_AVX512 ? 16 : features & MOE_CPU_AVX2_FMA ? 8 : 0;
  const int64_t wholeRows = side ? rows / side * side : 0, wholeCols = side ? cols / side * side : 0;
  for (int64_t c = 0; c < wholeCols; c += side)
    for (int64_t r = 0; r < wholeRows; r += side)
      block(from + r * rowBytes + c * 4, rowBytes, to + (c * dstStep + r) * 4, dstStep);
#else
  const int64_t wholeRows = 0, wholeCols = 0;
#endif
  plain(from, rowBytes, 0, wholeRows, wholeCols, cols, to, dstStep);
  plain(from, rowBytes, wholeRows, rows, 0, cols, to, dstStep);
}
