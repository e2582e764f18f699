// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Chunks.cpp - n floats, 16 lanes at a time ----------------------------------------------------------===//
//
// n is known at compile time, so the rest after the last full chunk is a vector of just that many lanes: nothing is
// masked, nothing is read or computed beyond the end.
//
//===------------------------------------------------------------------------------------------------------===//

#include "Chunks.h"

#include "Emit.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

SmallVector<Value> mlir::moe::emitChunks(OpBuilder &b, Location loc, int64_t n, ValueRange inits, ChunkBody body) {
  SmallVector<Value> values(inits);
  int64_t full = n / kLanes * kLanes;
  if (full == kLanes) {
    values = body(b, loc, emitIndex(b, loc, 0), kLanes, values);
  } else if (full > 0) {
    auto chunk = [&](OpBuilder &b, Location loc, Value index, ValueRange carried) {
      return body(b, loc, index, kLanes, carried);
    };
    values = emitLoop(b, loc, full, values, chunk, /*step=*/kLanes);
  }
  if (n > full)
    values = body(b, loc, emitIndex(b, loc, full), n - full, values);
  return values;
}

/// One value from the lanes of a vector: halves are folded onto each other while there are halves.
static Value foldLanes(OpBuilder &b, Location loc, arith::AtomicRMWKind kind, Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0);
  for (; lanes % 2 == 0; lanes /= 2) {
    int64_t half = lanes / 2;
    Value low = vector::ExtractStridedSliceOp::create(b, loc, vector, {0}, {half}, {1});
    Value high = vector::ExtractStridedSliceOp::create(b, loc, vector, {half}, {half}, {1});
    vector = arith::getReductionOp(kind, b, loc, low, high);
  }
  Value folded = vector::ExtractOp::create(b, loc, vector, 0);
  for (int64_t i = 1; i < lanes; ++i)
    folded = arith::getReductionOp(kind, b, loc, folded, vector::ExtractOp::create(b, loc, vector, i));
  return folded;
}

Value mlir::moe::emitFold(OpBuilder &b, Location loc, int64_t n, arith::AtomicRMWKind kind, ReadFn read, MapFn map) {
  Value folded;
  int64_t full = n / kLanes * kLanes;
  if (full > 0) {
    auto chunk = [&](OpBuilder &b, Location loc, Value index) { return map(b, loc, read(b, loc, index, kLanes)); };
    // The first chunk starts the fold: no identity is needed, and E = 16 takes no addition.
    Value lanes = chunk(b, loc, emitIndex(b, loc, 0));
    if (full > kLanes) {
      auto next = [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
        Value index = arith::AddIOp::create(b, loc, i, emitIndex(b, loc, kLanes));
        return SmallVector<Value>{arith::getReductionOp(kind, b, loc, carried[0], chunk(b, loc, index))};
      };
      lanes = emitLoop(b, loc, full - kLanes, lanes, next, /*step=*/kLanes)[0];
    }
    folded = foldLanes(b, loc, kind, lanes);
  }
  if (n > full) {
    Value rest = foldLanes(b, loc, kind, map(b, loc, read(b, loc, emitIndex(b, loc, full), n - full)));
    folded = folded ? arith::getReductionOp(kind, b, loc, folded, rest) : rest;
  }
  return folded;
}

Value mlir::moe::emitRead(OpBuilder &b, Location loc, Value source, ValueRange indices, int64_t lanes) {
  Type element = cast<RankedTensorType>(source.getType()).getElementType();
  // Every read is in bounds; the padding is only what the op asks for.
  Value padding = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  return vector::TransferReadOp::create(b, loc, VectorType::get({lanes}, element), source, indices, padding,
                                        ArrayRef<bool>{true});
}

Value mlir::moe::emitReadF32(OpBuilder &b, Location loc, Value source, ValueRange indices, int64_t lanes) {
  return emitToF32(b, loc, emitRead(b, loc, source, indices, lanes));
}

Value mlir::moe::emitWrite(OpBuilder &b, Location loc, Value vector, Value dest, ValueRange indices) {
  return vector::TransferWriteOp::create(b, loc, vector, dest, indices, ArrayRef<bool>{true}).getResult();
}

Value mlir::moe::emitWriteF32(OpBuilder &b, Location loc, Value vector, Value dest, ValueRange indices) {
  Type element = cast<RankedTensorType>(dest.getType()).getElementType();
  return emitWrite(b, loc, emitFromF32(b, loc, vector, element), dest, indices);
}
