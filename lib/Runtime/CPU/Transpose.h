// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The change of layout that packing is made of: rows of 32-bit words become columns.
#ifndef MOE_LIB_RUNTIME_CPU_TRANSPOSE_H
#define MOE_LIB_RUNTIME_CPU_TRANSPOSE_H

#include <cstdint>

namespace moe {

/// dst[c * dstStep + r] = word c of row r, for `rows` rows of `cols` words. Rows lie `rowBytes` bytes apart; `dstStep`
/// counts words. Neither needs an alignment beyond that of its elements, of which a word may hold several.
void transposeWords(const void *src, int64_t rowBytes, int64_t rows, int64_t cols, void *dst, int64_t dstStep);

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_TRANSPOSE_H
