// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SlotSort.cpp - a stable counting sort of the slots of a routing ------------------------------------===//
//
// A few microseconds where the products take milliseconds. All index arithmetic is in `index`, 64 bits wide, so T * K
// may pass 2^31.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "SlotSort.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class Sorter {
public:
  Sorter(const SlotSort &sort, ImplicitLocOpBuilder &b, OwnerFn owner) : sort(sort), owner(owner) {
    auto ids = cast<RankedTensorType>(sort.ids.getType());
    zero = arith::ConstantIndexOp::create(b, 0);
    one = arith::ConstantIndexOp::create(b, 1);
    count = arith::ConstantIndexOp::create(b, ids.getDimSize(1));
    rows = asValue(b, b.getLoc(), tensor::getMixedSize(b, b.getLoc(), sort.ids, 0));
  }

  SortedSlots build(ImplicitLocOpBuilder &b) {
    Value counts = linalg::FillOp::create(b, zero, sort.offsetsInit).getResult(0);
    counts = countSlots(b, counts);
    auto [offsets, cursors] = prefixSums(b, counts);
    SmallVector<Value> placed = place(b, cursors);
    return {offsets, sort.tokensInit ? placed.front() : Value(), placed[placed.size() - 2]};
  }

private:
  /// Loops over all slots, calls `body` with the slot and the owner of each slot that has one; `carried` are the
  /// tensors that the loops update.
  SmallVector<Value>
  forEachSlot(ImplicitLocOpBuilder &b, ValueRange carried,
              function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, Value slot, SlotOwner owner, ValueRange)> body) {
    auto outer = scf::ForOp::create(b, zero, rows, one, carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(outer.getBody());
    auto inner = scf::ForOp::create(b, zero, count, one, outer.getRegionIterArgs());
    scf::YieldOp::create(b, inner.getResults());
    b.setInsertionPointToStart(inner.getBody());
    Value row = outer.getInductionVar(), choice = inner.getInductionVar();
    Value id = tensor::ExtractOp::create(b, sort.ids, ValueRange{row, choice});
    Value minusOne = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
    Value used = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, id, minusOne);
    auto guarded = scf::IfOp::create(b, carried.getTypes(), used, /*withElseRegion=*/true);
    scf::YieldOp::create(b, guarded.getResults());
    b.setInsertionPointToStart(guarded.elseBlock());
    scf::YieldOp::create(b, inner.getRegionIterArgs());
    b.setInsertionPointToStart(guarded.thenBlock());
    Value known = arith::IndexCastOp::create(b, b.getIndexType(), id);
    Value slot = arith::AddIOp::create(b, arith::MulIOp::create(b, row, count), choice);
    scf::YieldOp::create(b, body(b, slot, owner(b, row, known), inner.getRegionIterArgs()));
    return SmallVector<Value>(outer.getResults());
  }

  /// counts[x + 1] = number of slots of key x.
  Value countSlots(ImplicitLocOpBuilder &b, Value counts) {
    return forEachSlot(
        b, counts, [&](ImplicitLocOpBuilder &b, Value, SlotOwner slotOwner, ValueRange carried) -> SmallVector<Value> {
          Value next = arith::AddIOp::create(b, slotOwner.key, one);
          Value old = tensor::ExtractOp::create(b, carried[0], ValueRange(next));
          Value sum = arith::AddIOp::create(b, old, one);
          return {tensor::InsertOp::create(b, sum, carried[0], ValueRange(next))};
        })[0];
  }

  /// offsets[x] = number of slots of keys before x; the cursors start as a copy of them.
  std::pair<Value, Value> prefixSums(ImplicitLocOpBuilder &b, Value counts) {
    OpFoldResult size = tensor::getMixedSize(b, b.getLoc(), sort.offsetsInit, 0);
    Value cursors = tensor::EmptyOp::create(b, ArrayRef<OpFoldResult>{size}, b.getIndexType());
    auto loop = scf::ForOp::create(b, zero, asValue(b, b.getLoc(), size), one, ValueRange{counts, cursors, zero});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value x = loop.getInductionVar();
    Value own = tensor::ExtractOp::create(b, loop.getRegionIterArg(0), ValueRange(x));
    Value sum = arith::AddIOp::create(b, loop.getRegionIterArg(2), own);
    Value offsets = tensor::InsertOp::create(b, sum, loop.getRegionIterArg(0), ValueRange(x));
    Value copied = tensor::InsertOp::create(b, sum, loop.getRegionIterArg(1), ValueRange(x));
    scf::YieldOp::create(b, ValueRange{offsets, copied, sum});
    return {loop.getResult(0), loop.getResult(1)};
  }

  /// Slots in ascending order take the next place of their key, so the sort is stable.
  SmallVector<Value> place(ImplicitLocOpBuilder &b, Value cursors) {
    SmallVector<Value> carried{sort.slotsInit, cursors};
    if (sort.tokensInit)
      carried.insert(carried.begin(), sort.tokensInit);
    return forEachSlot(
        b, carried,
        [&](ImplicitLocOpBuilder &b, Value slot, SlotOwner slotOwner, ValueRange carried) -> SmallVector<Value> {
          Value slots = carried.drop_back().back(), cursors = carried.back();
          Value at = tensor::ExtractOp::create(b, cursors, ValueRange(slotOwner.key));
          SmallVector<Value> results;
          if (sort.tokensInit)
            results.push_back(tensor::InsertOp::create(b, slotOwner.token, carried.front(), ValueRange(at)));
          results.push_back(tensor::InsertOp::create(b, slot, slots, ValueRange(at)));
          Value next = arith::AddIOp::create(b, at, one);
          results.push_back(tensor::InsertOp::create(b, next, cursors, ValueRange(slotOwner.key)));
          return results;
        });
  }

  const SlotSort &sort;
  OwnerFn owner;
  Value zero, one, count, rows;
};

} // namespace

SortedSlots SlotSort::build(ImplicitLocOpBuilder &b, OwnerFn owner) const { return Sorter(*this, b, owner).build(b); }
