// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Capacity.cpp - dropping what experts have no room for -------------------------------------------------===//

#include "Emit.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

using namespace mlir;
using namespace mlir::moe;

Value mlir::moe::emitCapacity(OpBuilder &b, Location loc, SelectAttrInterface select, int64_t experts, Value ids) {
  if (select.getCapacity() == 0)
    return ids;
  Type index = b.getIndexType();
  Value counts = tensor::EmptyOp::create(b, loc, {experts}, index), none = emitIndex(b, loc, 0);
  counts = emitLoop(b, loc, experts, counts, [&](OpBuilder &b, Location loc, Value e, ValueRange carried) {
    return SmallVector<Value>{tensor::InsertOp::create(b, loc, none, carried[0], e)};
  })[0];

  // Serial over all rows: whether a row fits depends on all rows before it.
  auto slot = [&](OpBuilder &b, Location loc, Value t, Value k, ValueRange carried) -> SmallVector<Value> {
    Value zero = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
    Value nowhere = arith::ConstantIntOp::create(b, loc, b.getI32Type(), -1);
    Value id = tensor::ExtractOp::create(b, loc, carried[0], ValueRange{t, k});
    Value used = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, zero);
    Value expert = arith::IndexCastOp::create(b, loc, index, arith::SelectOp::create(b, loc, used, id, zero));
    Value taken = tensor::ExtractOp::create(b, loc, carried[1], expert);
    Value room =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, taken, emitIndex(b, loc, select.getCapacity()));
    Value fits = arith::AndIOp::create(b, loc, used, room);
    Value more = arith::AddIOp::create(b, loc, taken, emitIndex(b, loc, 1));
    Value kept = arith::SelectOp::create(b, loc, fits, id, nowhere);
    Value count = arith::SelectOp::create(b, loc, fits, more, taken);
    return {tensor::InsertOp::create(b, loc, kept, carried[0], ValueRange{t, k}),
            tensor::InsertOp::create(b, loc, count, carried[1], expert)};
  };
  Value rows = tensor::DimOp::create(b, loc, ids, 0);
  int64_t choices = cast<RankedTensorType>(ids.getType()).getDimSize(1);
  return emitLoop(b, loc, rows, {ids, counts}, [&](OpBuilder &b, Location loc, Value t, ValueRange carried) {
    return emitLoop(b, loc, choices, carried, [&](OpBuilder &b, Location loc, Value k, ValueRange carried) {
      return slot(b, loc, t, k, carried);
    });
  })[0];
}
