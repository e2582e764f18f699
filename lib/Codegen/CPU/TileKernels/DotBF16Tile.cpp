// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DotBF16Tile.cpp - a vector tile that multiplies pairs of bf16 --------------------------------------===//

#include "DotBF16Tile.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace mlir::moe;

/// A pair is one 32-bit element to the broadcast, which then is part of the load.
Value DotBF16Tile::broadcastRow(OpBuilder &b, Location loc, Value group) const {
  Value pair = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), group);
  Value element = vector::ExtractOp::create(b, loc, pair, ArrayRef<int64_t>{0});
  Value all = vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, b.getI32Type()), element);
  return vector::BitCastOp::create(b, loc, VectorType::get({2 * lanes}, b.getBF16Type()), all);
}

Value DotBF16Tile::multiply(OpBuilder &b, Location loc, Value row, Value weights, Value acc) const {
  return x86vector::DotBF16Op::create(b, loc, acc.getType(), acc, row, weights);
}
