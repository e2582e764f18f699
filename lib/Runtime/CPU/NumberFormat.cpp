// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The registry of quantised number formats, and rows on their way into a packed expert.
//===----------------------------------------------------------------------===//
#include "NumberFormat.h"

#include "Layout.h"

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
  // A format packs row by row; dense panels take all of the piece at once, which then has to be held.
  int64_t held = layout.ownLayout() ? 1 : count;
  std::vector<float> rows(size_t(held * layout.cols));
  for (int64_t n = 0; n < count; ++n) {
    float *row = rows.data() + (layout.ownLayout() ? 0 : n * layout.cols);
    for (int64_t k = 0; k < layout.cols; ++k)
      row[k] = data[n * rowStep + k * colStep];
    if (layout.ownLayout())
      layout.format->pack(layout, s, first + n, row, packed);
    else
      layout.format->round(row, layout.cols);
  }
  if (!layout.ownLayout())
    packPiece(layout, s, first, count, 0, layout.cols, rows.data(), layout.cols, 1, packed);
}
