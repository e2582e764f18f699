// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int8: symmetric bytes with one f32 scale for each row.
//   scale = largest magnitude / 127;  q = nearest integer to w / scale, ties to even, in -127..127;  value = q * scale
// A row of zeros has scale 0; one with a NaN or an infinity has scale NaN. Stored is q + 128, without a sign.
//===----------------------------------------------------------------------===//
#include "Layout.h"
#include "NumberFormat.h"
#include "Transpose.h"

#include <algorithm>
#include <cstring>
#include <vector>

using namespace moe;

namespace {

/// Codes of rows [0, count), codeStep bytes apart; bytes behind the end of a row are left alone.
MOE_VECTORISABLE void encodeRows(const float *rows, int64_t rowStep, int64_t count, int64_t cols, uint8_t *codes,
                                 int64_t codeStep, float *scales) {
  for (int64_t r = 0; r < count; ++r) {
    const float *row = rows + r * rowStep;
    uint8_t *to = codes + r * codeStep;
    const float scale = largestMagnitude(row, cols) / 127;
    scales[r] = scale;
    if (!(scale > 0)) {
      std::fill_n(to, cols, uint8_t(128));
      continue;
    }
    for (int64_t k = 0; k < cols; ++k)
      to[k] = uint8_t(nearestMultiple(row[k], scale, 127) + 128);
  }
}

class Int8Format final : public NumberFormat {
public:
  std::string_view name() const override { return "int8"; }

  /// [groups][sources][panel][kGroup] bytes, then [sources][panel] scales.
  int64_t panelBytes(const Layout &layout) const override {
    int64_t bytes;
    if (__builtin_mul_overflow(layout.groups(), layout.kGroup, &bytes) || __builtin_add_overflow(bytes, 4, &bytes) ||
        __builtin_mul_overflow(bytes, layout.sources, &bytes) || __builtin_mul_overflow(bytes, layout.panel, &bytes))
      return -1;
    return bytes;
  }

  void round(float *row, int64_t cols) const override {
    float scale = largestMagnitude(row, cols) / 127;
    for (int64_t k = 0; k < cols; ++k)
      row[k] = float(scale > 0 ? nearestMultiple(row[k], scale, 127) : 0) * scale;
  }

  void pack(const Layout &layout, int64_t s, int64_t n, int64_t count, const float *rows, int64_t rowStep,
            void *packed) const override {
    const int64_t width = layout.groups() * layout.kGroup;
    std::vector<uint8_t> codes(size_t(count * width));
    std::vector<float> scales(static_cast<size_t>(count));
    vectorised<encodeRows>(rows, rowStep, count, layout.cols, codes.data(), width, scales.data());
    const int64_t block = layout.panel * layout.kGroup, step = layout.sources * block, inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    uint8_t *to = panel + s * block + inPanel * layout.kGroup;
    if (layout.kGroup == 4)
      transposeWords(codes.data(), width, count, layout.groups(), to, step / 4);
    else
      for (int64_t g = 0; g < layout.groups(); ++g)
        for (int64_t r = 0; r < count; ++r)
          std::copy_n(&codes[size_t(r * width + g * layout.kGroup)], layout.kGroup, to + g * step + r * layout.kGroup);
    std::memcpy(panel + layout.groups() * step + (s * layout.panel + inPanel) * 4, scales.data(), scales.size() * 4);
  }
};

} // namespace

namespace moe {
const NumberFormat &getInt8Format() {
  static const Int8Format format;
  return format;
}
} // namespace moe
