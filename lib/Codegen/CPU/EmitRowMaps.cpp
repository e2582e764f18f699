// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRowMaps.cpp - elementwise ops on rows to vector loops ------------------------------------------===//

#include "VectorBody.h"

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMITROWMAPS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

/// One vector of columns from `column` on of row `row`; only the columns that are there unless `whole`.
static FailureOr<Value> emitVector(OpBuilder &b, linalg::GenericOp op, Value row, Value column, int64_t lanes,
                                   bool whole, Value out) {
  Location loc = op.getLoc();
  SmallVector<Value> arguments;
  for (OpOperand *input : op.getDpsInputOperands()) {
    bool vector = op.getMatchingIndexingMap(input).getNumResults() == 1;
    Type element = getElementTypeOrSelf(input->get().getType());
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
    SmallVector<Value> indices{row, column};
    arguments.push_back(vector::TransferReadOp::create(b, loc, VectorType::get({lanes}, element), input->get(),
                                                       vector ? ValueRange(column) : ValueRange(indices), zero,
                                                       ArrayRef<bool>{whole}));
  }
  // The body does not read the output; see the check in `emit`.
  arguments.push_back(arguments.front());
  FailureOr<SmallVector<Value>> results = inlineVectorBody(b, loc, *op.getBody(), arguments, lanes);
  if (failed(results))
    return failure();
  return vector::TransferWriteOp::create(b, loc, results->front(), out, ValueRange{row, column}, ArrayRef<bool>{whole})
      .getResult();
}

/// The loops over rows and vectors of columns; fails when the body cannot run on vectors.
static FailureOr<Value> emit(OpBuilder &b, linalg::GenericOp op, int64_t lanes) {
  Location loc = op.getLoc();
  Value init = op.getOutputs()[0];
  if (!op.getBody()->getArguments().back().use_empty() || op.getNumResults() != 1)
    return failure();
  int64_t width = cast<RankedTensorType>(init.getType()).getDimSize(1), whole = width / lanes * lanes;
  bool failed = false;
  auto vectorAt = [&](OpBuilder &nested, Value row, Value column, bool inside, Value out) {
    FailureOr<Value> updated = emitVector(nested, op, row, column, lanes, inside, out);
    failed |= mlir::failed(updated);
    return failed ? out : *updated;
  };
  Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
  Value rows = getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, init, 0));
  auto loop = scf::ForOp::create(
      b, loc, zero, rows, one, ValueRange(init), [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
        Value out = carried[0];
        if (whole != 0) {
          auto columns =
              scf::ForOp::create(nested, loc, indexConstant(nested, loc, 0), indexConstant(nested, loc, whole),
                                 indexConstant(nested, loc, lanes), ValueRange(out),
                                 [&](OpBuilder &inner, Location loc, Value column, ValueRange part) {
                                   scf::YieldOp::create(inner, loc, vectorAt(inner, row, column, true, part[0]));
                                 });
          out = columns.getResult(0);
        }
        if (whole != width)
          out = vectorAt(nested, row, indexConstant(nested, loc, whole), false, out);
        scf::YieldOp::create(nested, loc, out);
      });
  if (failed)
    return failure();
  return loop.getResult(0);
}

namespace {

struct EmitRowMaps : moe::impl::EmitRowMapsBase<EmitRowMaps> {
  using EmitRowMapsBase::EmitRowMapsBase;

  void runOnOperation() override {
    if (!findMachineLevel(level)) {
      getOperation()->emitError("unknown machine level: ") << level;
      return signalPassFailure();
    }
    SmallVector<linalg::GenericOp> maps;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kRowMapAttr))
        maps.push_back(op);
    });
    for (linalg::GenericOp map : maps) {
      const MachineLevel *machine = machineLevelOf(map, level);
      if (!machine)
        return signalPassFailure();
      OpBuilder b(map);
      FailureOr<Value> result = emit(b, map, machine->lanes());
      if (failed(result)) {
        remark::missed(map.getLoc(), remark::RemarkOpts::name("no vector loop").category(getArgument()))
            << remark::reason("the body cannot run on vectors");
        continue;
      }
      map.getResult(0).replaceAllUsesWith(*result);
      map.erase();
    }
  }
};

} // namespace
