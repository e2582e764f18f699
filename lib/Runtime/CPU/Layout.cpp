// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Packing: where an element of a logical matrix lies in a packed expert, and the conversion to its element type.
//===----------------------------------------------------------------------===//
#include "Layout.h"

#include "NumberFormat.h"
#include "Transpose.h"
#include "moe/Checkpoint/Convert.h"

#include <algorithm>
#include <cstring>

using namespace moe;

int64_t moe::dtypeBytes(int32_t dtype) {
  switch (dtype) {
  case MOE_F32:
  case MOE_I32:
    return 4;
  case MOE_BF16:
  case MOE_F16:
    return 2;
  }
  return 0;
}

/// Are the rows of the weight among those stored, with offsets that fit?
static bool rowsAreStored(const moe_source_desc &from) {
  int64_t elements;
  return from.rows >= 1 && from.cols >= 1 && from.row_begin >= 0 && from.row_begin < from.stored_rows &&
         from.row_step >= 1 && from.row_step <= from.stored_rows &&
         (from.stored_rows - 1 - from.row_begin) / from.row_step >= from.rows - 1 &&
         !__builtin_mul_overflow(from.stored_rows, from.cols, &elements) && elements < INT64_C(1) << 58;
}

/// Are the unused experts some of the weight's, in ascending order?
static bool unusedAreExperts(const moe_weight_desc &weight) {
  if (weight.num_unused < 0 || weight.num_unused > weight.experts || (weight.num_unused > 0 && !weight.unused))
    return false;
  int64_t last = 0;
  for (int64_t i = 0; i < weight.num_unused; ++i) {
    const moe_expert_range &range = weight.unused[i];
    if (range.begin < last || range.begin >= range.end)
      return false;
    last = range.end;
  }
  return last <= weight.experts;
}

bool moe::layoutOf(const moe_weight_desc &weight, Layout &layout) {
  if (weight.num_sources < 1 || !weight.sources || weight.experts < 1 || weight.panel < 0 || weight.k_group < 0)
    return false;
  if (weight.panel > 0 && weight.k_group < 1)
    return false;
  const NumberFormat *format = weight.format && *weight.format ? findNumberFormat(weight.format) : nullptr;
  if (format ? weight.dtype != MOE_F32 && (weight.dtype != 0 || weight.panel == 0)
             : weight.dtype != MOE_F32 && weight.dtype != MOE_BF16 && weight.dtype != MOE_F16)
    return false;
  if (!unusedAreExperts(weight))
    return false;
  const moe_source_desc &first = weight.sources[0];
  for (int64_t s = 0; s < weight.num_sources; ++s)
    if (!weight.sources[s].name || weight.sources[s].rows != first.rows || weight.sources[s].cols != first.cols ||
        !rowsAreStored(weight.sources[s]))
      return false;
  layout = {first.rows,
            first.cols,
            weight.num_sources,
            weight.panel,
            weight.panel ? weight.k_group : 1,
            dtypeBytes(weight.dtype),
            format};
  int64_t bytes = packedBytes(layout), all;
  return bytes >= 0 && !__builtin_mul_overflow(bytes, weight.experts, &all) && all < INT64_C(1) << 62;
}

int64_t moe::packedBytes(const Layout &layout) {
  // The roundings are done in the multiplied form, so that a huge panel cannot overflow before it is noticed.
  int64_t rows = layout.rows, cols = layout.cols, bytes;
  if (layout.ownLayout()) {
    int64_t panel = layout.format->panelBytes(layout);
    if (panel < 0 || __builtin_mul_overflow((rows - 1) / layout.panel + 1, panel, &bytes) ||
        bytes > (INT64_C(1) << 62) - 64)
      return -1;
    return (bytes + 63) / 64 * 64;
  }
  if (layout.panel && (__builtin_mul_overflow((rows - 1) / layout.panel + 1, layout.panel, &rows) ||
                       __builtin_mul_overflow((cols - 1) / layout.kGroup + 1, layout.kGroup, &cols)))
    return -1;
  if (__builtin_mul_overflow(rows, cols, &bytes) || __builtin_mul_overflow(bytes, layout.sources, &bytes) ||
      __builtin_mul_overflow(bytes, layout.elementBytes, &bytes) || bytes > (INT64_C(1) << 62) - 64)
    return -1;
  // Experts of a plain operand follow each other without a gap, so that a kernel can take them as one array.
  return layout.panel ? (bytes + 63) / 64 * 64 : bytes;
}

/// One panel of a piece. KGroup is a constant for the common values, so that the innermost copy is one move. Rows
/// along k whose groups are words are a transposition of words; rows that are columns in memory are copied along n. For
/// the rest, a cache line of each row is used up before the next one is read: rows are often a multiple of 4 KB apart,
/// where they would push one another out of the cache.
template <typename Element, int64_t KGroup>
static void packPanel(const Layout &layout, int64_t s, int64_t row, int64_t count, int64_t col, int64_t width,
                      const Element *data, int64_t rowStep, int64_t colStep, Element *packed) {
  const int64_t kGroup = KGroup ? KGroup : layout.kGroup;
  const int64_t block = layout.panel * kGroup, groupStep = layout.sources * block;
  const int64_t lineGroups = std::max<int64_t>(1, 64 / int64_t(sizeof(Element)) / kGroup);
  const int64_t whole = width / kGroup, rest = width % kGroup;
  Element *dst = packed + ((row / layout.panel * layout.groups() + col / kGroup) * layout.sources + s) * block;
  constexpr bool words = KGroup * int64_t(sizeof(Element)) == 4;
  if (words && colStep == 1) {
    transposeWords(data, rowStep * int64_t(sizeof(Element)), count, whole, dst, groupStep / kGroup);
  } else if (KGroup && rowStep == 1) {
    for (int64_t g = 0; g < whole; ++g) {
      const Element *__restrict from = data + g * kGroup * colStep;
      Element *__restrict to = dst + g * groupStep;
      for (int64_t n = 0; n < count; ++n)
        for (int64_t k = 0; k < kGroup; ++k)
          to[n * kGroup + k] = from[k * colStep + n];
    }
  } else {
    for (int64_t g = 0; g < whole; g += lineGroups) {
      int64_t end = std::min(whole, g + lineGroups);
      for (int64_t n = 0; n < count; ++n) {
        const Element *from = data + n * rowStep + g * kGroup * colStep;
        Element *to = dst + g * groupStep + n * kGroup;
        for (int64_t i = g; i < end; ++i, from += kGroup * colStep, to += groupStep)
          for (int64_t k = 0; k < kGroup; ++k)
            to[k] = from[k * colStep];
      }
    }
  }
  for (int64_t n = 0; n < count; ++n) // the last group may be cut short
    for (int64_t k = 0; k < rest; ++k)
      dst[whole * groupStep + n * kGroup + k] = data[n * rowStep + (whole * kGroup + k) * colStep];
}

template <typename Element>
static void packTyped(const Layout &layout, int64_t s, int64_t row, int64_t count, int64_t col, int64_t width,
                      const Element *data, int64_t rowStep, int64_t colStep, Element *packed) {
  if (layout.panel == 0) {
    Element *dst = packed + (s * layout.rows + row) * layout.cols + col;
    for (int64_t n = 0; n < count; ++n)
      for (int64_t k = 0; k < width; ++k)
        dst[n * layout.cols + k] = data[n * rowStep + k * colStep];
    return;
  }
  for (int64_t n = 0; n < count; n += layout.panel) {
    int64_t inPanel = std::min(layout.panel, count - n);
    auto *pack = layout.kGroup == 1   ? packPanel<Element, 1>
                 : layout.kGroup == 2 ? packPanel<Element, 2>
                 : layout.kGroup == 4 ? packPanel<Element, 4>
                                      : packPanel<Element, 0>;
    pack(layout, s, row + n, inPanel, col, width, data + n * rowStep, rowStep, colStep, packed);
  }
}

void moe::packPiece(const Layout &layout, int64_t s, int64_t row, int64_t count, int64_t col, int64_t width,
                    const void *data, int64_t rowStep, int64_t colStep, void *packed) {
  if (layout.elementBytes == 2)
    packTyped(layout, s, row, count, col, width, static_cast<const uint16_t *>(data), rowStep, colStep,
              static_cast<uint16_t *>(packed));
  else
    packTyped(layout, s, row, count, col, width, static_cast<const uint32_t *>(data), rowStep, colStep,
              static_cast<uint32_t *>(packed));
}

/// dst[i] = Convert(src[i]). The same loop for two instruction sets: the compiler vectorises it for each.
template <auto Convert, typename In, typename Out>
static void convertBase(const In *__restrict src, Out *__restrict dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    dst[i] = Convert(src[i]);
}

#if defined(__x86_64__)
template <auto Convert, typename In, typename Out>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
convertWide(const In *__restrict src, Out *__restrict dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    dst[i] = Convert(src[i]);
}
#endif

template <auto Convert, typename In, typename Out>
static bool each(const In *src, Out *dst, int64_t count) {
#if defined(__x86_64__)
  if (moe_cpu_features() & MOE_CPU_AVX512) {
    convertWide<Convert>(src, dst, count);
    return true;
  }
#endif
  convertBase<Convert>(src, dst, count);
  return true;
}

static uint16_t bf16ToF16(uint16_t value) { return floatToF16(bf16ToFloat(value)); }
static uint16_t f16ToBf16(uint16_t value) { return floatToBf16(f16ToFloat(value)); }

bool moe::convertElements(int32_t from, const void *src, int32_t to, void *dst, int64_t count) {
  auto *f32 = static_cast<const float *>(src);
  auto *half = static_cast<const uint16_t *>(src);
  auto *toF32 = static_cast<float *>(dst);
  auto *toHalf = static_cast<uint16_t *>(dst);
  bool known = (from == MOE_F32 || from == MOE_BF16 || from == MOE_F16);
  if (known && from == to) {
    std::memcpy(dst, src, size_t(count * dtypeBytes(from)));
    return true;
  }
  switch (from * 8 + to) {
  case MOE_F32 * 8 + MOE_BF16:
    return each<floatToBf16>(f32, toHalf, count);
  case MOE_F32 * 8 + MOE_F16:
    return each<floatToF16>(f32, toHalf, count);
  case MOE_BF16 * 8 + MOE_F32:
    return each<bf16ToFloat>(half, toF32, count);
  case MOE_F16 * 8 + MOE_F32:
    return each<f16ToFloat>(half, toF32, count);
  case MOE_BF16 * 8 + MOE_F16:
    return each<bf16ToF16>(half, toHalf, count);
  case MOE_F16 * 8 + MOE_BF16:
    return each<f16ToBf16>(half, toHalf, count);
  }
  return false;
}
