// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitSlotReductions.cpp - the combination of slots to vector loops ----------------------------------===//
//
// For each row and each strip of columns, the slots are combined in ascending order in registers and the result is
// stored once.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "VectorBody.h"

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Conversion/GroupedToLinalg/TileProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMITSLOTREDUCTIONS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Vectors of a strip: enough independent sums to hide the latency of an addition.
static constexpr int64_t kStripVectors = 4;

namespace {

class ReductionEmitter {
public:
  ReductionEmitter(linalg::GenericOp reduction, linalg::GenericOp finish, Value init, Attribute start, int64_t lanes)
      : reduction(reduction), finish(finish), init(init), start(start), lanes(lanes) {
    SmallVector<int64_t> ranges = reduction.getStaticLoopRanges();
    width = ranges[1];
    count = ranges[2];
  }

  FailureOr<Value> emit(OpBuilder &b) {
    Location loc = reduction.getLoc();
    Value zero = constant(b, loc, 0), one = constant(b, loc, 1);
    Value rows = getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, reduction.getInputs()[0], 0));
    bool failed = false;
    auto loop = scf::ForOp::create(b, loc, zero, rows, one, ValueRange(init),
                                   [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
                                     Value out = oneRow(nested, loc, row, carried[0], failed);
                                     scf::YieldOp::create(nested, loc, out);
                                   });
    if (failed)
      return failure();
    return loop.getResult(0);
  }

private:
  static Value constant(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }

  /// Whole strips, then whole vectors, then the columns that fill no vector.
  Value oneRow(OpBuilder &b, Location loc, Value row, Value out, bool &failed) {
    int64_t begin = 0;
    for (int64_t vectors : {kStripVectors, int64_t(1)}) {
      int64_t strip = vectors * lanes, end = begin + (width - begin) / strip * strip;
      if (end == begin)
        continue;
      auto loop = scf::ForOp::create(
          b, loc, constant(b, loc, begin), constant(b, loc, end), constant(b, loc, strip), ValueRange(out),
          [&](OpBuilder &nested, Location loc, Value column, ValueRange carried) {
            scf::YieldOp::create(nested, loc, strips(nested, loc, row, column, vectors, true, carried[0], failed));
          });
      out = loop.getResult(0);
      begin = end;
    }
    if (begin != width)
      out = strips(b, loc, row, constant(b, loc, begin), 1, false, out, failed);
    return out;
  }

  Value strips(OpBuilder &b, Location loc, Value row, Value column, int64_t vectors, bool whole, Value out,
               bool &failed) {
    auto sumType = VectorType::get({lanes}, b.getF32Type());
    Value initial = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(sumType, start));
    SmallVector<Value> sums(vectors, initial), columns;
    for (int64_t v = 0; v != vectors; ++v)
      columns.push_back(arith::AddIOp::create(b, loc, column, constant(b, loc, v * lanes)));
    auto loop = scf::ForOp::create(b, loc, constant(b, loc, 0), constant(b, loc, count), constant(b, loc, 1), sums,
                                   [&](OpBuilder &nested, Location loc, Value slot, ValueRange carried) {
                                     SmallVector<Value> next;
                                     for (int64_t v = 0; v != vectors; ++v) {
                                       SmallVector<Value> arguments;
                                       for (OpOperand *input : reduction.getDpsInputOperands())
                                         arguments.push_back(read(nested, loc, *input, {row, columns[v], slot}, whole));
                                       arguments.push_back(carried[v]);
                                       FailureOr<SmallVector<Value>> sum =
                                           inlineVectorBody(nested, loc, *reduction.getBody(), arguments, lanes);
                                       failed |= mlir::failed(sum);
                                       next.push_back(failed ? carried[v] : sum->front());
                                     }
                                     scf::YieldOp::create(nested, loc, next);
                                   });
    for (int64_t v = 0; v != vectors; ++v) {
      // The last argument stands for the old value of the output, which the body does not read.
      SmallVector<Value> arguments{loop.getResult(v)};
      if (finish) {
        SmallVector<OpOperand *> inputs = finish.getDpsInputOperands();
        for (OpOperand *input : llvm::drop_begin(inputs))
          arguments.push_back(read(b, loc, *input, {row, columns[v]}, whole));
      }
      arguments.push_back(loop.getResult(v));
      FailureOr<SmallVector<Value>> value = finish
                                                ? inlineVectorBody(b, loc, *finish.getBody(), arguments, lanes)
                                                : FailureOr<SmallVector<Value>>(SmallVector<Value>{loop.getResult(v)});
      failed |= mlir::failed(value);
      if (failed)
        return out;
      out = vector::TransferWriteOp::create(b, loc, value->front(), out, ValueRange{row, columns[v]},
                                            ArrayRef<bool>{whole})
                .getResult();
    }
    return out;
  }

  /// What the loops (row, column, slot) read of an input: columns are a vector, and a value of a slot (its weight, its
  /// id) is a scalar.
  Value read(OpBuilder &b, Location loc, OpOperand &input, ArrayRef<Value> loops, bool whole) {
    AffineMap map = cast<linalg::GenericOp>(input.getOwner()).getMatchingIndexingMap(&input);
    SmallVector<Value> indices;
    for (AffineExpr at : map.getResults())
      indices.push_back(loops[cast<AffineDimExpr>(at).getPosition()]);
    if (!map.isFunctionOfDim(1))
      return tensor::ExtractOp::create(b, loc, input.get(), indices);
    Type element = getElementTypeOrSelf(input.get().getType());
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
    return vector::TransferReadOp::create(b, loc, VectorType::get({lanes}, element), input.get(), indices, zero,
                                          ArrayRef<bool>{whole});
  }

  linalg::GenericOp reduction, finish; ///< finish may be null
  Value init;                          ///< [rows, columns]: what the result updates
  Attribute start;
  int64_t lanes;
  int64_t count, width; ///< slots of a row, columns
};

struct EmitSlotReductions : moe::impl::EmitSlotReductionsBase<EmitSlotReductions> {
  using EmitSlotReductionsBase::EmitSlotReductionsBase;

  void runOnOperation() override {
    if (!findMachineLevel(level)) {
      getOperation()->emitError("unknown machine level: ") << level;
      return signalPassFailure();
    }
    SmallVector<linalg::GenericOp> reductions;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kSlotReductionAttr))
        reductions.push_back(op);
    });
    for (linalg::GenericOp reduction : reductions) {
      const MachineLevel *machine = machineLevelOf(reduction, level);
      if (!machine)
        return signalPassFailure();
      emit(reduction, machine->lanes());
    }
  }

  /// The elementwise op that takes the sums, or null where it was the identity and folded.
  static linalg::GenericOp finishOf(linalg::GenericOp reduction) {
    Value sums = reduction.getResult(0);
    auto user = sums.hasOneUse() ? dyn_cast<linalg::GenericOp>(*sums.getUsers().begin()) : linalg::GenericOp();
    if (!user || user.getNumParallelLoops() != user.getNumLoops() || user.getNumDpsInputs() == 0 ||
        user.getInputs().front() != sums || !user.getBody()->getArguments().back().use_empty())
      return {};
    // Further inputs are numbers of the rows, vectors over the columns, and rows.
    SmallVector<OpOperand *> inputs = user.getDpsInputOperands();
    for (OpOperand *input : llvm::drop_begin(inputs)) {
      AffineMap map = user.getMatchingIndexingMap(input);
      if (map.getNumResults() == 1 ? !isa<AffineDimExpr>(map.getResult(0)) : !map.isIdentity())
        return {};
    }
    return user;
  }

  static void emit(linalg::GenericOp reduction, int64_t lanes) {
    auto fill = reduction.getOutputs()[0].getDefiningOp<linalg::FillOp>();
    Attribute start;
    if (!fill || !matchPattern(fill.getInputs()[0], m_Constant(&start))) {
      remark::missed(reduction.getLoc(),
                     remark::RemarkOpts::name("no vector loop").category("moe-emit-slot-reductions"))
          << remark::reason("the combination does not start from a constant");
      return;
    }
    linalg::GenericOp finish = finishOf(reduction), last = finish ? finish : reduction;
    OpBuilder b(last);
    Value init = finish ? finish.getOutputs()[0] : fill.getOutputs()[0];
    FailureOr<Value> result = ReductionEmitter(reduction, finish, init, start, lanes).emit(b);
    if (failed(result)) {
      remark::missed(reduction.getLoc(),
                     remark::RemarkOpts::name("no vector loop").category("moe-emit-slot-reductions"))
          << remark::reason("the body of the combination cannot run on vectors");
      return;
    }
    last.getResult(0).replaceAllUsesWith(*result);
    if (finish)
      finish.erase();
    reduction.erase();
  }
};

} // namespace
