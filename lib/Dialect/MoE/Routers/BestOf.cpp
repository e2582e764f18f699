// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BestOf.cpp - the k best of n rank values -----------------------------------------------------------===//
//
// The order is total: larger first, ties to the lowest index, -0 equal to +0, NaN last. The fast form turns an entry
// into one integer, its key, so that a single signed comparison is that order:
//
//   bits 63..32  the f32 as a signed integer of the same order (the bits of a negative number reversed), NaN smallest
//   bits 31..0   the complement of the index: among equal values the lowest index is the largest key
//
//===------------------------------------------------------------------------------------------------------===//

#include "BestOf.h"

#include "Emit.h"

using namespace mlir;
using namespace mlir::moe;

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

static Value emitKey(OpBuilder &b, Location loc, Value x, Value index) {
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  // Adding +0 turns -0 into +0 and changes no other number.
  Value number = arith::AddFOp::create(b, loc, x, emitFloat(b, loc, x.getType(), 0.0));
  Value bits = arith::BitcastOp::create(b, loc, i32, number);
  Value sign = arith::ShRSIOp::create(b, loc, bits, emitInt(b, loc, 32, 31));
  Value flip = arith::AndIOp::create(b, loc, sign, emitInt(b, loc, 32, 0x7fffffff));
  Value order = arith::XOrIOp::create(b, loc, bits, flip);
  Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  order = arith::SelectOp::create(b, loc, isNan, emitInt(b, loc, 32, INT32_MIN), order);

  Value high = arith::ShLIOp::create(b, loc, arith::ExtSIOp::create(b, loc, i64, order), emitInt(b, loc, 64, 32));
  Value low =
      arith::SubIOp::create(b, loc, emitInt(b, loc, 64, 0xffffffff), arith::IndexCastOp::create(b, loc, i64, index));
  return arith::OrIOp::create(b, loc, high, low);
}

static Value emitIndexOfKey(OpBuilder &b, Location loc, Value key) {
  Value low = arith::TruncIOp::create(b, loc, b.getI32Type(), key);
  return arith::XOrIOp::create(b, loc, low, emitInt(b, loc, 32, -1));
}

SmallVector<RankedTensorType> mlir::moe::getBestScratchTypes(MLIRContext *context, int64_t k) {
  if (k <= kMaxInRegisters)
    return {};
  return {RankedTensorType::get({k}, IntegerType::get(context, 64))};
}

/// Keeps keys in loop-carried values, largest first. A new key sinks past the larger ones; the smallest falls out.
static Value emitBestInRegisters(OpBuilder &b, Location loc, int64_t n, int64_t k, RankAtFn rankAt, Value ids) {
  // Smaller than the key of any entry, NaN included: n >= k entries push all of these out.
  SmallVector<Value> best(k, emitInt(b, loc, 64, INT64_MIN));
  best = emitLoop(b, loc, n, best, [&](OpBuilder &b, Location loc, Value e, ValueRange best) {
    Value sinking = emitKey(b, loc, rankAt(b, loc, e), e);
    SmallVector<Value> next;
    for (Value kept : best) {
      next.push_back(arith::MaxSIOp::create(b, loc, kept, sinking));
      sinking = arith::MinSIOp::create(b, loc, kept, sinking);
    }
    return next;
  });
  for (auto [i, key] : llvm::enumerate(best))
    ids = tensor::InsertOp::create(b, loc, emitIndexOfKey(b, loc, key), ids, emitIndex(b, loc, i));
  return ids;
}

/// The same with the keys in a tensor; most entries are not better than the worst kept and skip the inner loop.
static Value emitBestInTensor(OpBuilder &b, Location loc, int64_t n, int64_t k, RankAtFn rankAt, Value ids,
                              Value &keys) {
  keys = emitLoop(b, loc, k, keys, [&](OpBuilder &b, Location loc, Value i, ValueRange keys) {
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, emitInt(b, loc, 64, INT64_MIN), keys[0], i)};
  })[0];
  Value last = emitIndex(b, loc, k - 1);
  keys = emitLoop(b, loc, n, keys, [&](OpBuilder &b, Location loc, Value e, ValueRange keys) {
    Value key = emitKey(b, loc, rankAt(b, loc, e), e);
    Value worst = tensor::ExtractOp::create(b, loc, keys[0], last);
    Value better = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, key, worst);
    auto branch = scf::IfOp::create(
        b, loc, better,
        [&](OpBuilder &b, Location loc) {
          auto sunk = emitLoop(b, loc, k, {keys[0], key}, [](OpBuilder &b, Location loc, Value i, ValueRange carried) {
            Value kept = tensor::ExtractOp::create(b, loc, carried[0], i);
            Value larger = arith::MaxSIOp::create(b, loc, kept, carried[1]);
            Value sinking = arith::MinSIOp::create(b, loc, kept, carried[1]);
            return SmallVector<Value>{tensor::InsertOp::create(b, loc, larger, carried[0], i), sinking};
          });
          scf::YieldOp::create(b, loc, sunk[0]);
        },
        [&](OpBuilder &b, Location loc) { scf::YieldOp::create(b, loc, keys[0]); });
    return SmallVector<Value>{branch.getResult(0)};
  })[0];
  return emitLoop(b, loc, k, ids, [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
    Value id = emitIndexOfKey(b, loc, tensor::ExtractOp::create(b, loc, keys, i));
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, id, carried[0], i)};
  })[0];
}

Value mlir::moe::emitBest(OpBuilder &b, Location loc, int64_t n, int64_t k, RankAtFn rankAt, Value idsInit,
                          MutableArrayRef<Value> scratch) {
  if (k <= kMaxInRegisters)
    return emitBestInRegisters(b, loc, n, k, rankAt, idsInit);
  return emitBestInTensor(b, loc, n, k, rankAt, idsInit, scratch[0]);
}
