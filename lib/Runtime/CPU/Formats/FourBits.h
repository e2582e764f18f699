// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formats of four bits an element with a scale for each block of a row.
#ifndef MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H
#define MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H

#include "Layout.h"
#include "NumberFormat.h"

#include <algorithm>

namespace moe {

/// A panel is [blocks][sources]{[pair of groups][panel][kGroup] bytes, [panel] scales}. Of a pair the first group is
/// the low half of the bytes. What a row lacks of its last block has the code of zero.
class FourBitFormat : public NumberFormat {
public:
  static constexpr int64_t largestBlock = 128;
  explicit FourBitFormat(int64_t blockSize) : blockSize(blockSize) {}

  int64_t panelBytes(const Layout &layout) const final {
    int64_t bytes;
    if (layout.kGroup > blockSize / 2 || blockSize % (2 * layout.kGroup) != 0)
      return -1;
    if (__builtin_mul_overflow((layout.cols - 1) / blockSize + 1, blockSize / 2 + scaleBytes(), &bytes) ||
        __builtin_mul_overflow(bytes, layout.sources, &bytes) || __builtin_mul_overflow(bytes, layout.panel, &bytes))
      return -1;
    return bytes;
  }

  void round(float *row, int64_t cols) const final {
    for (int64_t first = 0; first < cols; first += blockSize) {
      int64_t count = std::min(blockSize, cols - first);
      uint8_t codes[largestBlock], scale[4];
      encode(row + first, count, codes, scale);
      for (int64_t k = 0; k < count; ++k)
        row[first + k] = decode(codes[k], scale);
    }
  }

  void pack(const Layout &layout, int64_t s, int64_t n, const float *row, void *packed) const final {
    const int64_t matrix = layout.panel * (blockSize / 2 + scaleBytes()), inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    for (int64_t first = 0; first < layout.cols; first += blockSize) {
      uint8_t codes[largestBlock], scale[4];
      std::fill_n(codes, blockSize, zeroCode());
      encode(row + first, std::min(blockSize, layout.cols - first), codes, scale);
      uint8_t *to = panel + (first / blockSize * layout.sources + s) * matrix;
      for (int64_t first = 0; first < blockSize; first += 2 * layout.kGroup, to += layout.panel * layout.kGroup)
        for (int64_t k = 0; k < layout.kGroup; ++k)
          to[inPanel * layout.kGroup + k] = uint8_t(codes[first + k] | codes[first + layout.kGroup + k] << 4);
      std::copy_n(scale, scaleBytes(), to + inPanel * scaleBytes());
    }
  }

protected:
  virtual int64_t scaleBytes() const = 0; // at most 4
  virtual uint8_t zeroCode() const = 0;
  /// The codes (four bits each) of a block of 1 to blockSize values, and its scale.
  virtual void encode(const float *values, int64_t count, uint8_t *codes, uint8_t *scale) const = 0;
  virtual float decode(uint8_t code, const uint8_t *scale) const = 0;

private:
  const int64_t blockSize; // elements that share a scale
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H
