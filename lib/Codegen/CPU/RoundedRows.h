// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundedRows.h - moe.round_rows on vectors, as values and as bytes ----------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_ROUNDEDROWS_H
#define MOE_LIB_CODEGEN_CPU_ROUNDEDROWS_H

#include "moe/Codegen/CPU/TileKernel.h"
#include "moe/Conversion/MoEToLinalg/RoundedRow.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::moe {

/// What a rounding gives in the linalg stage: the op that has all rows as its result, and the rows it rounds.
struct RowRounding {
  Operation *whole;
  Value source; ///< tensor [R, K]
};

/// The rounding that `rows` come from, if they do.
std::optional<RowRounding> matchRowRounding(Value rows);

/// Emits the scale of row `row` of `source` [R, K], going over it in vectors of `lanes`.
RowScale emitRowScale(OpBuilder &b, Location loc, Value source, Value row, int64_t lanes);

/// `lanes` elements of a row in f32; those beyond its end are zero unless all are `inBounds`.
Value readFloats(OpBuilder &b, Location loc, Value source, Value row, Value column, int64_t lanes, bool inBounds);

/// How a format's products take rows: elements of the reduction that share a start (kWholeReduction: all), and how far
/// codes are above what they stand for.
struct CodeBlocks {
  int64_t size, offset;
  bool operator==(const CodeBlocks &other) const { return size == other.size && offset == other.offset; }
};

/// Emits a parallel loop that rounds the rows of `source` to bytes.
RoundedRows packRows(OpBuilder &b, Location loc, Value source, const CodeBlocks &blocks, int64_t lanes);

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_ROUNDEDROWS_H
