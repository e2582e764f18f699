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
#include <vector>

using namespace moe;

namespace {

constexpr int64_t blockSize = 128;
constexpr float largestNumber = 448;
constexpr float leastNormal = 0x1p-6f;

/// The code of a magnitude of at most 448. Numbers below the least normal one are whole multiples of 2^-9. Above, it is
/// the upper bits of an f32, whose exponent's bias is 120 more, rounded to three of the mantissa: what is rounded up to
/// the next power of two carries into the exponent.
MOE_VECTORISABLE int encode(float magnitude) {
  const int small = int(nearestInteger(std::min(magnitude, leastNormal) * 0x1p9f));
  const uint32_t bits = floatBits(magnitude);
  const int normal = int((bits + 0x7ffff + (bits >> 20 & 1)) >> 20) - (120 << 3);
  return magnitude < leastNormal ? small : normal;
}

float decode(uint8_t code) {
  int exponent = code >> 3 & 15, mantissa = code & 7;
  float magnitude = exponent == 0 ? float(mantissa) * 0x1p-9f : std::ldexp(float(8 + mantissa), exponent - 10);
  return code & 128 ? -magnitude : magnitude;
}

/// The codes of a block, and its scale.
MOE_VECTORISABLE float quantise(const float *values, int64_t count, uint8_t *codes) {
  const float scale = largestMagnitude(values, count) / largestNumber;
  if (!(scale > 0)) {
    std::fill_n(codes, count, uint8_t(0));
    return scale;
  }
  for (int64_t k = 0; k < count; ++k)
    codes[k] = uint8_t(encode(std::min(std::fabs(values[k]) / scale, largestNumber)) | (values[k] < 0 ? 128 : 0));
  return scale;
}

/// Codes [row][blocks x 128] of rows that are rowStep apart, and scales [row][block].
MOE_VECTORISABLE void quantiseRows(const float *rows, int64_t rowStep, int64_t count, int64_t cols, uint8_t *codes,
                                   float *scales) {
  const int64_t whole = cols / blockSize, rest = cols % blockSize;
  for (int64_t r = 0; r < count; ++r) {
    const float *row = rows + r * rowStep;
    for (int64_t b = 0; b < whole; ++b, codes += blockSize)
      *scales++ = quantise(row + b * blockSize, blockSize, codes);
    if (rest != 0) {
      *scales++ = quantise(row + whole * blockSize, rest, codes);
      codes += blockSize;
    }
  }
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
    uint8_t codes[blockSize];
    for (int64_t first = 0; first < cols; first += blockSize) {
      const int64_t count = std::min(blockSize, cols - first);
      const float scale = quantise(row + first, count, codes);
      for (int64_t k = 0; k < count; ++k)
        row[first + k] = decode(codes[k]) * scale;
    }
  }

  void pack(const Layout &layout, int64_t s, int64_t n, int64_t count, const float *rows, int64_t rowStep,
            void *packed) const override {
    const int64_t blocks = (layout.cols - 1) / blockSize + 1, width = blocks * blockSize;
    std::vector<uint8_t> codes(size_t(count * width));
    std::vector<float> scales(size_t(count * blocks));
    vectorised<quantiseRows>(rows, rowStep, count, layout.cols, codes.data(), scales.data());
    const int64_t matrix = layout.panel * (blockSize + 4), inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    for (int64_t b = 0; b < blocks; ++b) {
      uint8_t *to = panel + (b * layout.sources + s) * matrix + inPanel;
      for (int64_t k = 0; k < blockSize; ++k, to += layout.panel)
        for (int64_t r = 0; r < count; ++r)
          to[r] = codes[size_t(r * width + b * blockSize + k)];
      to += 3 * inPanel;
      for (int64_t r = 0; r < count; ++r)
        std::memcpy(to + 4 * r, &scales[size_t(r * blocks + b)], 4);
    }
  }
};

} // namespace

namespace moe {
const NumberFormat &getFP8G128Format() {
  static const FP8G128Format format;
  return format;
}
} // namespace moe
