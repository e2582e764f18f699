// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The packed form of a weight operand (docs/abi.md): sizes, and how a piece of a logical matrix is put into it.
#ifndef MOE_LIB_RUNTIME_CPU_LAYOUT_H
#define MOE_LIB_RUNTIME_CPU_LAYOUT_H

#include "moe/Runtime/Runtime.h"

#include <cstddef>
#include <cstdint>

namespace moe {

class NumberFormat;

/// Of the packed form as a whole, kept in packed files: raise it when bytes of any layout or format change their place
/// or meaning.
constexpr int layoutVersion = 1;

/// The numbers of a moe_weight_desc that packing needs, with `panel == 0` turned into a packed layout where it is one.
struct Layout {
  int64_t rows, cols; // logical N, K
  int64_t sources;
  int64_t panel, kGroup;                // panel 0: row-major
  int64_t elementBytes;                 // 2 or 4; 0 in a format's own layout
  const NumberFormat *format = nullptr; // that values are rounded to, or null

  bool ownLayout() const { return elementBytes == 0; }

  int64_t panels() const { return (rows + panel - 1) / panel; }
  int64_t groups() const { return (cols + kGroup - 1) / kGroup; }
};

/// Bytes from one expert to the next, a multiple of 64 unless plain; -1 when they do not fit 62 bits.
int64_t packedBytes(const Layout &layout);

/// Checks the descriptor's numbers; false when no layout follows from them.
bool layoutOf(const moe_weight_desc &weight, Layout &layout);

/// Puts rows [row, row + count) of source `s` into the packed expert. `data` holds elements of the packed type;
/// element (n, k) of the piece is data[(n - row) * rowStep + (k - col) * colStep], for cols [col, col + width).
/// `row` must be a multiple of panel and `col` of kGroup (or the layout plain): pieces then never share a group.
void packPiece(const Layout &layout, int64_t s, int64_t row, int64_t count, int64_t col, int64_t width,
               const void *data, int64_t rowStep, int64_t colStep, void *packed);

int64_t dtypeBytes(int32_t dtype); // 0: not a moe_dtype

/// dst[i] = src[i] for `count` elements, between the floating types of moe_dtype; false for any other type.
bool convertElements(int32_t from, const void *src, int32_t to, void *dst, int64_t count);

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_LAYOUT_H
