// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRoundedRows.cpp - the rounding of rows to vector loops -----------------------------------------===//

#include "RoundedRows.h"

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/MoEToLinalg/Body.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMITROUNDEDROWS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// One row: its largest magnitude first, then its elements.
static Value emitRow(OpBuilder &b, Location loc, Value source, Value row, int64_t lanes, Value into) {
  int64_t columns = cast<RankedTensorType>(source.getType()).getDimSize(1);
  bool whole = columns % lanes == 0;
  RowScale scale = emitRowScale(b, loc, source, row, lanes);
  auto type = VectorType::get({lanes}, b.getF32Type());
  Value inverse = vector::BroadcastOp::create(b, loc, type, scale.inverse);
  Value step = vector::BroadcastOp::create(b, loc, type, scale.scale);
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  auto loop =
      scf::ForOp::create(b, loc, index(0), index(columns), index(lanes), ValueRange(into),
                         [&](OpBuilder &nested, Location loc, Value column, ValueRange carried) {
                           Value x = readFloats(nested, loc, source, row, column, lanes, whole);
                           Value number = nearestNumber(nested, loc, x, inverse);
                           Value integer = arith::SubFOp::create(nested, loc, number, wholePlaces(nested, loc, type));
                           Value value = arith::MulFOp::create(nested, loc, integer, step);
                           auto write = vector::TransferWriteOp::create(nested, loc, value, carried[0],
                                                                        ValueRange{row, column}, ArrayRef<bool>{whole});
                           scf::YieldOp::create(nested, loc, write.getResult());
                         });
  return loop.getResult(0);
}

namespace {

struct EmitRoundedRows : moe::impl::EmitRoundedRowsBase<EmitRoundedRows> {
  using EmitRoundedRowsBase::EmitRoundedRowsBase;

  void runOnOperation() override {
    if (!findMachineLevel(level)) {
      getOperation()->emitError("unknown machine level: ") << level;
      return signalPassFailure();
    }
    SmallVector<linalg::GenericOp> roundings;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kRowRoundingAttr))
        roundings.push_back(op);
    });
    for (linalg::GenericOp op : roundings) {
      const MachineLevel *machine = machineLevelOf(op, level);
      if (!machine)
        return signalPassFailure();
      emit(op, machine->lanes());
    }
  }

private:
  static void emit(linalg::GenericOp op, int64_t lanes) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    Value source = op.getInputs()[0], init = op.getOutputs()[0];
    Value rows = getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, init, 0));
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    auto loop = scf::ForOp::create(
        b, loc, zero, rows, one, ValueRange(init), [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
          scf::YieldOp::create(nested, loc, emitRow(nested, loc, source, row, lanes, carried[0]));
        });
    op.getResult(0).replaceAllUsesWith(loop.getResult(0));
    op.erase();
  }
};

} // namespace
