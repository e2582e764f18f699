// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formats of four bits an element with a scale for each block of a row.
#ifndef MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H
#define MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H

#include "Layout.h"
#include "NumberFormat.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace moe {

/// A panel is [blocks][sources]{[pair of groups][panel][kGroup] bytes, [panel] scales}. Of a pair the first group is
/// the low half of the bytes. What a row lacks of its last block has the code of zero.
class FourBitFormat : public NumberFormat {
public:
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
    Codes codes = encode(row, cols, 1, cols);
    for (int64_t k = 0; k < cols; ++k)
      row[k] = decode(codes.elements[size_t(k)], &codes.scales[size_t(k / blockSize * scaleBytes())]);
  }

  void pack(const Layout &layout, int64_t s, int64_t n, int64_t count, const float *rows, int64_t rowStep,
            void *packed) const final {
    const Codes codes = encode(rows, rowStep, count, layout.cols);
    const int64_t matrix = layout.panel * (blockSize / 2 + scaleBytes()), inPanel = n % layout.panel;
    auto *panel = static_cast<uint8_t *>(packed) + n / layout.panel * panelBytes(layout);
    for (int64_t b = 0; b < codes.blocks; ++b) {
      uint8_t *to = panel + (b * layout.sources + s) * matrix;
      const uint8_t *from = &codes.elements[size_t(b * blockSize)];
      for (int64_t first = 0; first < blockSize; first += 2 * layout.kGroup, to += layout.panel * layout.kGroup)
        if (layout.kGroup == 4)
          for (int64_t r = 0; r < count; ++r)
            joinFours(from + r * codes.step() + first, to + (inPanel + r) * 4);
        else
          for (int64_t r = 0; r < count; ++r)
            joinGroups(from + r * codes.step() + first, layout.kGroup, to + (inPanel + r) * layout.kGroup);
      for (int64_t r = 0; r < count; ++r)
        std::copy_n(&codes.scales[size_t((r * codes.blocks + b) * scaleBytes())], scaleBytes(),
                    to + (inPanel + r) * scaleBytes());
    }
  }

protected:
  /// Of rows that are encoded together.
  struct Codes {
    int64_t blocks, blockSize;
    std::vector<uint8_t> elements; ///< [row][block][blockSize]: four bits each
    std::vector<uint8_t> scales;   ///< [row][block][scaleBytes]
    int64_t step() const { return blocks * blockSize; }
  };

  virtual int64_t scaleBytes() const = 0; // at most 4
  virtual uint8_t zeroCode() const = 0;
  /// The codes and scales of `count` rows of `cols` values, rowStep apart. What a row lacks of its last block has the
  /// code of zero already.
  virtual void encodeRows(const float *rows, int64_t rowStep, int64_t count, int64_t cols, Codes &codes) const = 0;
  virtual float decode(uint8_t code, const uint8_t *scale) const = 0;

private:
  Codes encode(const float *rows, int64_t rowStep, int64_t count, int64_t cols) const {
    Codes codes{(cols - 1) / blockSize + 1, blockSize, {}, {}};
    codes.elements.assign(size_t(count * codes.step()), zeroCode());
    codes.scales.resize(size_t(count * codes.blocks * scaleBytes()));
    encodeRows(rows, rowStep, count, cols, codes);
    return codes;
  }

  /// Two groups of codes as one of bytes, the first in the low halves.
  static void joinGroups(const uint8_t *from, int64_t kGroup, uint8_t *to) {
    for (int64_t k = 0; k < kGroup; ++k)
      to[k] = uint8_t(from[k] | from[kGroup + k] << 4);
  }
  /// The same of groups of four, as words.
  static void joinFours(const uint8_t *from, uint8_t *to) {
    uint32_t low, high;
    std::memcpy(&low, from, 4);
    std::memcpy(&high, from + 4, 4);
    low |= high << 4;
    std::memcpy(to, &low, 4);
  }

  const int64_t blockSize; // elements that share a scale
};

/// Encodes rows block by block by encodeBlock(values, count, codes, scale), with a loop of its own over whole blocks,
/// so that their size is known where it is compiled.
template <int64_t blockSize, int64_t scaleBytes, auto encodeBlock>
MOE_VECTORISABLE void encodeBlocks(const float *rows, int64_t rowStep, int64_t count, int64_t cols, uint8_t *elements,
                                   uint8_t *scales) {
  const int64_t whole = cols / blockSize, rest = cols % blockSize;
  for (int64_t r = 0; r < count; ++r) {
    const float *row = rows + r * rowStep;
    for (int64_t b = 0; b < whole; ++b, elements += blockSize, scales += scaleBytes)
      encodeBlock(row + b * blockSize, blockSize, elements, scales);
    if (rest != 0) {
      encodeBlock(row + whole * blockSize, rest, elements, scales);
      elements += blockSize;
      scales += scaleBytes;
    }
  }
}

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FORMATS_FOURBITS_H
