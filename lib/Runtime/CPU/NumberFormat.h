// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantised number formats: how a row of a weight is rounded, and how it lies in a packed panel. One file each in
// Formats/; the compiler's half, which reads what is packed here, is in lib/Codegen/CPU/Formats
// (docs/adding-a-number-format.md). Dense formats need none of this: see convertElements and packPiece in Layout.h.
#ifndef MOE_LIB_RUNTIME_CPU_NUMBERFORMAT_H
#define MOE_LIB_RUNTIME_CPU_NUMBERFORMAT_H

#include "Vectorised.h"
#include "moe/Checkpoint/Convert.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace moe {

struct Layout;

class NumberFormat {
public:
  virtual ~NumberFormat() = default;

  /// The name in a moe_weight_desc: "int8".
  virtual std::string_view name() const = 0;
  /// Bytes of one panel of layout.panel rows of every source; -1 when an int64_t does not hold them.
  virtual int64_t panelBytes(const Layout &layout) const = 0;
  /// Replaces a row of a weight by the values it is rounded to: what kernels multiply by.
  virtual void round(float *row, int64_t cols) const = 0;
  /// Puts rows [n, n + count) of source s, all of one panel, into a packed expert, all of which is zero before. Row
  /// n + i is layout.cols values from rows + i * rowStep on. Called for different rows at once: rows may not share a
  /// byte.
  virtual void pack(const Layout &layout, int64_t s, int64_t n, int64_t count, const float *rows, int64_t rowStep,
                    void *packed) const = 0;
};

/// The format called `name`, or null.
const NumberFormat *findNumberFormat(std::string_view name);

/// Puts rows [first, first + count) of source s into a packed expert whose layout has a format. Element (n, k) is
/// data[(n - first) * rowStep + k * colStep]; `first` is a multiple of the panel.
void packRounded(const Layout &layout, int64_t s, int64_t first, int64_t count, const float *data, int64_t rowStep,
                 int64_t colStep, void *packed);

/// The largest magnitude; NaN where a value is not finite.
MOE_VECTORISABLE float largestMagnitude(const float *values, int64_t count) {
  constexpr uint32_t infinity = 0x7f800000;
  uint32_t largest = 0; // bits of magnitudes are in the order of their values
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, floatBits(values[i]) & 0x7fffffff);
  return largest < infinity ? floatFromBits(largest) : NAN;
}

/// The nearest whole number, the even one of two. |value| is less than 2^22: where the last place of the sum is one.
MOE_VECTORISABLE float nearestInteger(float value) {
  constexpr float places = 0x1.8p23f;
  return (value + places) - places;
}

/// The nearest whole multiple of scale, counted, in -limit..limit. The scale is above zero, the value finite.
MOE_VECTORISABLE int nearestMultiple(float value, float scale, float limit) {
  float quotient = value / scale;
  quotient = quotient < -limit ? -limit : quotient;
  quotient = quotient > limit ? limit : quotient;
  return int(nearestInteger(quotient));
}

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_NUMBERFORMAT_H
