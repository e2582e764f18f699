// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The registry of quantised number formats, and rows on their way into a packed expert.
//===----------------------------------------------------------------------===//
#include "NumberFormat.h"

#include "Layout.h"

#include <algorithm>
#include <vector>

using namespace moe;

namespace moe {
#define MOE_FORMAT(name) const NumberFormat &get##name##Format();
#include "Formats.inc"
#undef MOE_FORMAT
} // namespace moe

static const std::vector<const NumberFormat *> &formats() {
#define MOE_FORMAT(name) &get##name##Format(),
  static const std::vector<const NumberFormat *> all = {
#include "Formats.inc"
  };
#undef MOE_FORMAT
  return all;
}

const NumberFormat *moe::findNumberFormat(std::string_view name) {
  for (const NumberFormat *format : formats())
    if (format->name() == name)
      return format;
  return nullptr;
}

void moe::packRounded(const Layout &layout, int64_t s, int64_t first, int64_t count, const float *data, int64_t rowStep,
                      int64_t colStep, void *packed) {
  // A format packs a panel at once, from where the rows are if their elements lie side by side; dense panels take all
  // of the piece, rounded, which then has to be held.
  const bool own = layout.ownLayout(), inPlace = own && colStep == 1;
  const int64_t step = own ? layout.panel : count;
  std::vector<float> held(inPlace ? 0 : size_t(std::min(step, count) * layout.cols));
  for (int64_t begin = 0; begin < count; begin += step) {
    const int64_t rows = std::min(step, count - begin);
    for (int64_t n = 0; n < rows && !inPlace; ++n) {
      float *row = held.data() + n * layout.cols;
      for (int64_t k = 0; k < layout.cols; ++k)
        row[k] = data[(begin + n) * rowStep + k * colStep];
      if (!own)
        layout.format->round(row, layout.cols);
    }
    if (inPlace)
      layout.format->pack(layout, s, first + begin, rows, data + begin * rowStep, rowStep, packed);
    else if (own)
      layout.format->pack(layout, s, first + begin, rows, held.data(), layout.cols, packed);
    else
      packPiece(layout, s, first, count, 0, layout.cols, held.data(), layout.cols, 1, packed);
  }
}
