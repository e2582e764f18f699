// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundedRow.h - the arithmetic of moe.round_rows ----------------------------------------------------===//
//
// The rule of moe.round_rows on scalars and on vectors, in one place: every lowering gives the same bits.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_MOETOLINALG_ROUNDEDROW_H
#define MOE_CONVERSION_MOETOLINALG_ROUNDEDROW_H

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::moe {

/// What the elements of a row are multiplied by, and what one step of the result is; scalars of f32.
struct RowScale {
  Value inverse; ///< 127 / m
  Value scale;   ///< m / 127, or NaN
};

/// The constant `value` of a scalar or vector type of i32 or f32; of f32 given by its bits.
Value bitsConstant(OpBuilder &b, Location loc, Type type, uint32_t bits);

/// The bits of |x|, of f32: i32, in the order of the values, infinity and NaN above all others.
Value magnitudeBits(OpBuilder &b, Location loc, Value x);

/// From the bits (i32) of a row's largest magnitude.
RowScale rowScale(OpBuilder &b, Location loc, Value largestBits);

/// 1.5 * 2^23: beside it, the last place of an f32 is one.
Value wholePlaces(OpBuilder &b, Location loc, Type type);

/// `x * inverse`, rounded to a whole number, plus wholePlaces: the low byte of its bits is that number in two's
/// complement. No conversion is needed that NaN would have no result of.
Value nearestNumber(OpBuilder &b, Location loc, Value x, Value inverse);

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOLINALG_ROUNDEDROW_H
