// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BestOf.cpp - the k best of n rank values -----------------------------------------------------------===//
//
// The order is total: larger first, ties to the lowest index, -0 equal to +0, NaN last. The fast form turns an entry
// into one integer, its key, so that a single signed comparison is that order, and takes k passes over n keys: for the
// few experts of a layer, passes of vectors are faster than one pass of scalars that inserts into a sorted list.
//
//   bits 63..32  the f32 as a signed integer of the same order (the bits of a negative number reversed), NaN smallest
//   bits 31..0   the complement of the index: among equal values the lowest index is the largest key
//
//===------------------------------------------------------------------------------------------------------===//

#include "BestOf.h"

#include "Chunks.h"
#include "Emit.h"

using namespace mlir;
using namespace mlir::moe;

/// Keys of more entries are kept as their upper halves and completed as they are read: scratch lives on stacks.
static constexpr int64_t kMaxWholeKeys = 2048;

static Value emitInt(OpBuilder &b, Location loc, unsigned width, int64_t value) {
  return arith::ConstantIntOp::create(b, loc, b.getIntegerType(width), value);
}

//===-- The plain form --------------------------------------------------------------------------------------===//

Value mlir::moe::emitBestReference(OpBuilder &b, Location loc, Value rank, int64_t k) {
  int64_t n = cast<RankedTensorType>(rank.getType()).getDimSize(0);
  Value taken = tensor::EmptyOp::create(b, loc, {n}, b.getI1Type());
  taken = emitLoop(b, loc, n, taken, [&](OpBuilder &b, Location loc, Value e, ValueRange carried) {
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, emitInt(b, loc, 1, 0), carried[0], e)};
  })[0];
  Value ids = tensor::EmptyOp::create(b, loc, {k}, b.getI32Type());

  return emitLoop(b, loc, k, {ids, taken}, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
    Value taken = carried[1];
    // The best so far; an index of -1 says that there is none yet.
    Value none = emitInt(b, loc, 32, -1), lowest = emitFloat(b, loc, b.getF32Type(), 0.0);
    auto best = emitLoop(b, loc, n, {none, lowest}, [&](OpBuilder &b, Location loc, Value e, ValueRange best) {
      Value x = tensor::ExtractOp::create(b, loc, rank, e);
      Value larger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, best[1]);
      // A number comes before a NaN. Equal entries are not better, so the lowest index stays.
      Value isNumber = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, x, x);
      Value bestIsNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, best[1], best[1]);
      Value overNan = arith::AndIOp::create(b, loc, isNumber, bestIsNan);
      Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, best[0], emitInt(b, loc, 32, -1));
      Value better = arith::OrIOp::create(b, loc, first, arith::OrIOp::create(b, loc, larger, overNan));
      Value isTaken = tensor::ExtractOp::create(b, loc, taken, e);
      Value isFree = arith::XOrIOp::create(b, loc, isTaken, emitInt(b, loc, 1, 1));
      Value take = arith::AndIOp::create(b, loc, better, isFree);
      Value id = arith::IndexCastOp::create(b, loc, b.getI32Type(), e);
      return SmallVector<Value>{arith::SelectOp::create(b, loc, take, id, best[0]),
                                arith::SelectOp::create(b, loc, take, x, best[1])};
    });
    Value at = arith::IndexCastOp::create(b, loc, b.getIndexType(), best[0]);
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, best[0], carried[0], i),
                              tensor::InsertOp::create(b, loc, emitInt(b, loc, 1, 1), taken, at)};
  })[0];
}

//===-- The fast form ---------------------------------------------------------------------------------------===//

RankedTensorType mlir::moe::getKeysType(MLIRContext *context, int64_t n) {
  return RankedTensorType::get({n}, IntegerType::get(context, n > kMaxWholeKeys ? 32 : 64));
}

static Value emitAll(OpBuilder &b, Location loc, VectorType type, int64_t value) {
  auto element = b.getIntegerAttr(type.getElementType(), value);
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, element));
}

/// The upper half of keys, i32.
static Value emitOrder(OpBuilder &b, Location loc, Value rank) {
  auto vector = cast<VectorType>(rank.getType());
  VectorType i32 = vector.clone(b.getI32Type());
  // Adding +0 turns -0 into +0 and changes no other number.
  Value number = arith::AddFOp::create(b, loc, rank, emitFloat(b, loc, vector, 0.0));
  Value bits = arith::BitcastOp::create(b, loc, i32, number);
  Value sign = arith::ShRSIOp::create(b, loc, bits, emitAll(b, loc, i32, 31));
  Value flip = arith::AndIOp::create(b, loc, sign, emitAll(b, loc, i32, INT32_MAX));
  Value order = arith::XOrIOp::create(b, loc, bits, flip);
  // By its bits: LLVM makes a comparison of bf16 of a comparison of widened ones, and has no code for odd numbers of
  // them.
  Value magnitude = arith::AndIOp::create(b, loc, bits, emitAll(b, loc, i32, INT32_MAX));
  Value infinity = emitAll(b, loc, i32, 0x7f800000);
  Value isNan = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, magnitude, infinity);
  return arith::SelectOp::create(b, loc, isNan, emitAll(b, loc, i32, INT32_MIN), order);
}

/// Whole keys from their upper halves, which begin at `index`.
static Value emitWholeKeys(OpBuilder &b, Location loc, Value order, Value index) {
  VectorType i64 = cast<VectorType>(order.getType()).clone(b.getI64Type());
  SmallVector<int64_t> complements;
  for (int64_t lane = 0; lane != i64.getDimSize(0); ++lane)
    complements.push_back(0xffffffff - lane);
  Value low = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(i64, ArrayRef<int64_t>(complements)));
  Value first = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
  low = arith::SubIOp::create(b, loc, low, emitBroadcast(b, loc, first, i64));
  Value wide = arith::ExtSIOp::create(b, loc, i64, order);
  Value high = arith::ShLIOp::create(b, loc, wide, emitAll(b, loc, i64, 32));
  return arith::OrIOp::create(b, loc, high, low);
}

Value mlir::moe::emitWriteKeys(OpBuilder &b, Location loc, Value rank, Value keys, Value index) {
  Value chunk = emitOrder(b, loc, rank);
  if (cast<RankedTensorType>(keys.getType()).getElementType().isInteger(64))
    chunk = emitWholeKeys(b, loc, chunk, index);
  return emitWrite(b, loc, chunk, keys, index);
}

Value mlir::moe::emitKeys(OpBuilder &b, Location loc, Value rank, Value index) {
  return emitWholeKeys(b, loc, emitOrder(b, loc, rank), index);
}

Value mlir::moe::emitIndexOfKey(OpBuilder &b, Location loc, Value key) {
  Value low = arith::TruncIOp::create(b, loc, b.getI32Type(), key);
  return arith::XOrIOp::create(b, loc, low, emitInt(b, loc, 32, -1));
}

Value mlir::moe::emitBest(OpBuilder &b, Location loc, int64_t k, Value keys, Value idsInit) {
  auto type = cast<RankedTensorType>(keys.getType());
  int64_t n = type.getDimSize(0);
  auto read = [&](OpBuilder &b, Location loc, Value index, int64_t lanes) {
    Value chunk = emitRead(b, loc, keys, index, lanes);
    return type.getElementType().isInteger(64) ? chunk : emitWholeKeys(b, loc, chunk, index);
  };
  // Keys are distinct, so what is taken needs no mark: the next best is the largest key below the last one.
  Value last = emitInt(b, loc, 64, INT64_MAX);
  return emitLoop(b, loc, k, {idsInit, last}, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
    Value best = emitFold(b, loc, n, arith::AtomicRMWKind::maxs, read, [&](OpBuilder &b, Location loc, Value chunk) {
      auto type = cast<VectorType>(chunk.getType());
      Value below =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, chunk, emitBroadcast(b, loc, carried[1], type));
      return Value(arith::SelectOp::create(b, loc, below, chunk, emitAll(b, loc, type, INT64_MIN)));
    });
    Value id = emitIndexOfKey(b, loc, best);
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, id, carried[0], i), best};
  })[0];
}
