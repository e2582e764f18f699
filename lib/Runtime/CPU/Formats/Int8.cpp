// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// int8: symmetric bytes with one f32 scale for each row.
//   scale = largest magnitude / 127;  q = nearest integer to w / scale, ties to even, in -127..127;  value = q * scale
// A row of zeros has scale 0; one with a NaN or an infinity has scale NaN. Stored is q + 128, without a sign.
//===----------------------------------------------------------------------===//
#include "Layout.h"
#include "NumberFormat.h"

#include <algorithm>
#include <cstring>

using namespace moe;

namespace {

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
      row[k] = quantise(row[k], scale) * scale;
  }

  void pack(const Layout &layout, int64_t s, int64_t n, const float *row, void *packed) const override {
    float scale = largestMagnitude(row, layout.cols) / 127;
    const int64_t block = layout.panel * layout.kGroup, step = layout.sources * block, inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    uint8_t *to = panel + s * block + inPanel * layout.kGroup;
    for (int64_t k = 0; k < layout.cols; ++k)
      to[k / layout.kGroup * step + k % layout.kGroup] = uint8_t(int(quantise(row[k], scale)) + 128);
    std::memcpy(panel + layout.groups() * step + (s * layout.panel + inPanel) * 4, &scale, 4);
  }

private:
  static float quantise(float value, float scale) {
    return scale > 0 ? nearestInteger(std::clamp(value / scale, -127.0f, 127.0f)) : 0.0f;
  }
};

} // namespace

namespace moe {
const NumberFormat &getInt8Format() {
  static const Int8Format format;
  return format;
}
} // namespace moe
