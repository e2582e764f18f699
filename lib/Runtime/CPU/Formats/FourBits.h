// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formats of four bits an element with a scale for each 32 of a row.
#ifndef MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H
#define MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H

#include "Layout.h"
#include "NumberFormat.h"

#include <algorithm>

namespace moe {

/// A panel is [blocks of 32][sources]{[pair of elements][panel] bytes, [panel] scales}. Of a pair the first element is
/// the low half of the byte. What a row lacks of its last block is zero.
class FourBitFormat : public NumberFormat {
public:
  static constexpr int64_t blockSize = 32;

  int64_t panelBytes(const Layout &layout) const final {
    int64_t bytes;
    if (__builtin_mul_overflow((layout.cols - 1) / blockSize + 1, blockSize / 2 + scaleBytes(), &bytes) ||
        __builtin_mul_overflow(bytes, layout.sources, &bytes) || __builtin_mul_overflow(bytes, layout.panel, &bytes))
      return -1;
    return bytes;
  }

  void round(float *row, int64_t cols) const final {
    for (int64_t first = 0; first < cols; first += blockSize) {
      int64_t count = std::min(blockSize, cols - first);
      uint8_t codes[blockSize], scale[4];
      encode(row + first, count, codes, scale);
      for (int64_t k = 0; k < count; ++k)
        row[first + k] = decode(codes[k], scale);
    }
  }

  void pack(const Layout &layout, int64_t s, int64_t n, const float *row, void *packed) const final {
    const int64_t matrix = layout.panel * (blockSize / 2 + scaleBytes()), inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    for (int64_t first = 0; first < layout.cols; first += blockSize) {
      uint8_t codes[blockSize] = {}, scale[4];
      encode(row + first, std::min(blockSize, layout.cols - first), codes, scale);
      uint8_t *to = panel + (first / blockSize * layout.sources + s) * matrix;
      for (int64_t pair = 0; pair < blockSize / 2; ++pair)
        to[pair * layout.panel + inPanel] = uint8_t(codes[2 * pair] | codes[2 * pair + 1] << 4);
      std::copy_n(scale, scaleBytes(), to + blockSize / 2 * layout.panel + inPanel * scaleBytes());
    }
  }

protected:
  virtual int64_t scaleBytes() const = 0; // at most 4
  /// The codes (four bits each) of a block of 1 to 32 values, and its scale.
  virtual void encode(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) const = 0;
  virtual float decode(uint8_t code, const uint8_t *scale) const = 0;
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H
