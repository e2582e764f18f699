// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantised number formats: how a row of a weight is rounded, and how it lies in a packed panel. One file each in
// Formats/; the compiler's half, which reads what is packed here, is in lib/Codegen/CPU/Formats
// (docs/adding-a-number-format.md). Dense formats need none of this: see convertElements and packPiece in Layout.h.
#ifndef MOE_LIB_RUNTIME_CPU_NUMBERFORMAT_H
#define MOE_LIB_RUNTIME_CPU_NUMBERFORMAT_H

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
  /// Puts row n of source s, of layout.cols values, into a packed expert, all of which is zero before. Called for
  /// different rows at once: rows may not share a byte.
  virtual void pack(const Layout &layout, int64_t s, int64_t n, const float *row, void *packed) const = 0;
};

/// The format called `name`, or null.
const NumberFormat *findNumberFormat(std::string_view name);

/// Puts rows [first, first + count) of source s into a packed expert whose layout has a format. Element (n, k) is
/// data[(n - first) * rowStep + k * colStep]; `first` is a multiple of the panel.
void packRounded(const Layout &layout, int64_t s, int64_t first, int64_t count, const float *data, int64_t rowStep,
                 int64_t colStep, void *packed);

/// The largest magnitude; NaN where a value is not finite.
inline float largestMagnitude(const float *values, int64_t count) {
  float largest = 0, check = 0;
  for (int64_t i = 0; i < count; ++i) {
    float magnitude = std::fabs(values[i]);
    largest = magnitude > largest ? magnitude : largest;
    check += values[i] * 0.0f;
  }
  return check == 0 ? largest : NAN;
}

/// The nearest whole number, the even one of two. |value| is less than 2^22: where the last place of the sum is one.
inline float nearestInteger(float value) {
  constexpr float places = 0x1.8p23f;
  return (value + places) - places;
}

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_NUMBERFORMAT_H
