// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// fp8:g128: floats of eight bits (E4M3 of the OCP 8-bit Floating Point Specification 1.0: no infinities, 448 is the
// largest) with one f32 scale for each 128 consecutive elements of a row.
//   scale = largest magnitude / 448;  value = scale * the nearest E4M3 number to w / scale, of two the even code
// A block of zeros has scale 0; one with a NaN or an infinity has scale NaN.
//===----------------------------------------------------------------------===//
#include "Layout.h"
#include "NumberFormat.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace moe;

namespace {

constexpr int64_t blockSize = 128;
constexpr float largestNumber = 448;
constexpr float leastNormal = 0x1p-6f;

/// The code of a magnitude of at most 448. Numbers below the least normal one are whole multiples of 2^-9; above, a
/// mantissa that is rounded up to 16 carries into the exponent.
uint8_t encode(float magnitude) {
  if (magnitude < leastNormal)
    return uint8_t(nearestInteger(magnitude * 0x1p9f));
  int exponent = std::ilogb(magnitude);
  int mantissa = int(nearestInteger(std::ldexp(magnitude, 3 - exponent)));
  return uint8_t((exponent + 7) * 8 + mantissa - 8);
}

float decode(uint8_t code) {
  int exponent = code >> 3 & 15, mantissa = code & 7;
  float magnitude = exponent == 0 ? float(mantissa) * 0x1p-9f : std::ldexp(float(8 + mantissa), exponent - 10);
  return code & 128 ? -magnitude : magnitude;
}

uint8_t quantise(float value, float scale) {
  if (!(scale > 0))
    return 0;
  return uint8_t(encode(std::min(std::fabs(value) / scale, largestNumber)) | (value < 0 ? 128 : 0));
}

class FP8G128Format final : public NumberFormat {
public:
  std::string_view name() const override { return "fp8:g128"; }

  /// [blocks][sources]{[element][panel] bytes, [panel] scales}.
  int64_t panelBytes(const Layout &layout) const override {
    int64_t bytes;
    if (layout.kGroup != 1 || __builtin_mul_overflow((layout.cols - 1) / blockSize + 1, blockSize + 4, &bytes) ||
        __builtin_mul_overflow(bytes, layout.sources, &bytes) || __builtin_mul_overflow(bytes, layout.panel, &bytes))
      return -1;
    return bytes;
  }

  void round(float *row, int64_t cols) const override {
    for (int64_t first = 0; first < cols; first += blockSize) {
      int64_t end = std::min(cols, first + blockSize);
      float scale = scaleOf(row + first, end - first);
      for (int64_t k = first; k < end; ++k)
        row[k] = decode(quantise(row[k], scale)) * scale;
    }
  }

  void pack(const Layout &layout, int64_t s, int64_t n, const float *row, void *packed) const override {
    const int64_t matrix = layout.panel * (blockSize + 4), inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    for (int64_t first = 0; first < layout.cols; first += blockSize) {
      int64_t count = std::min(blockSize, layout.cols - first);
      float scale = scaleOf(row + first, count);
      uint8_t *to = panel + (first / blockSize * layout.sources + s) * matrix;
      for (int64_t k = 0; k < count; ++k)
        to[k * layout.panel + inPanel] = quantise(row[first + k], scale);
      std::memcpy(to + blockSize * layout.panel + inPanel * 4, &scale, 4);
    }
  }

private:
  static float scaleOf(const float *values, int64_t count) { return largestMagnitude(values, count) / largestNumber; }
};

} // namespace

namespace moe {
const NumberFormat &getFP8G128Format() {
  static const FP8G128Format format;
  return format;
}
} // namespace moe
