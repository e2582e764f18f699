// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ExpertBody.cpp - the body of moe.experts for all experts at once -----------------------------------===//
//
// A body is row-wise, so what it computes from rows alone can run over the sorted rows of all experts together. Where
// it uses an expert's slice of a weight, a moe.linear by slices is a grouped product, and a moe.map that takes slices
// is the epilogue of one. What remains is cut into the largest parts that can run at one go, each a moe.grouped_body.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "BodyParts.h"
#include "Epilogue.h"
#include "Remarks.h"
#include "ToGrouped.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class BodyLowering {
public:
  BodyLowering(OpBuilder &b, ExpertsOp experts, ArrayRef<Value> rows, ValueRange weights, Value offsets,
               function_ref<Value(Value)> remap)
      : b(b), parts(experts), weights(weights), offsets(offsets), remap(remap) {
    mapping.map(experts.getBody().getArguments().take_front(rows.size()), rows);
  }

  /// Products as soon as their rows are there, then all else that can run: so parts are as large as can be.
  Value lower() {
    SmallVector<Operation *> pending;
    for (Operation &op : parts.getBlock().without_terminator())
      if (parts.kindOf(&op) != BodyOpKind::Free)
        pending.push_back(&op);
    while (!pending.empty()) {
      bool progress = true;
      while (std::exchange(progress, false))
        llvm::erase_if(pending, [&](Operation *op) {
          if (parts.kindOf(op) == BodyOpKind::Rest || !isReady(op))
            return false;
          lowerMatched(op);
          return progress = true;
        });
      lowerRest(pending);
    }
    Value yielded = cast<YieldOp>(parts.getBlock().getTerminator()).getValues().front();
    cloneFree(b, yielded, mapping);
    return mapping.contains(yielded) ? mapping.lookup(yielded) : remap(yielded);
  }

private:
  bool isReady(Operation *op) {
    auto linear = parts.kindOf(op) == BodyOpKind::Epilogue ? parts.getProductUnder(cast<MapOp>(op)) : LinearOp();
    if (linear && !isReady(linear))
      return false;
    return llvm::all_of(parts.rowOperandsOf(op),
                        [&](Value v) { return mapping.contains(v) || (linear && v.getDefiningOp() == linear); });
  }

  SmallVector<Value> whole(ValueRange slices) {
    return llvm::map_to_vector(slices, [&](Value slice) { return weights[parts.weightOf(slice)]; });
  }

  //===-- Cloning -------------------------------------------------------------------------------------------===//

  /// Values from outside may have been replaced already; a replaced argument is in no region any more.
  void mapOutside(Operation *op, IRMapping &map) {
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (!map.contains(operand) && parts.isOutside(operand))
          map.map(operand, remap(operand));
    });
  }

  /// Copies the free op that gives `value`, if one does, and what it needs in its turn.
  void cloneFree(OpBuilder &builder, Value value, IRMapping &map) {
    Operation *op = value.getDefiningOp();
    if (!op || map.contains(value) || op->getBlock() != &parts.getBlock() || parts.kindOf(op) != BodyOpKind::Free)
      return;
    auto dim = dyn_cast<tensor::DimOp>(op);
    if (dim && parts.isRows(dim.getSource()) && dim.getConstantIndex() == 0) {
      // All rows of a body are as many.
      Value first = map.lookup(parts.getSizeSource(map));
      map.map(value, tensor::DimOp::create(builder, op->getLoc(), first, 0).getResult());
      return;
    }
    cloneOp(builder, op, map);
  }

  /// Makes ready what `op` takes but rows and slices.
  void prepare(OpBuilder &builder, Operation *op, IRMapping &map) {
    mapOutside(op, map);
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        cloneFree(builder, operand, map);
    });
  }

  void cloneOp(OpBuilder &builder, Operation *op, IRMapping &map) {
    prepare(builder, op, map);
    builder.clone(*op, map);
  }

  //===-- Products ------------------------------------------------------------------------------------------===//

  void lowerMatched(Operation *op) {
    if (parts.kindOf(op) == BodyOpKind::Plain)
      return cloneOp(b, op, mapping);
    prepare(b, op, mapping);
    if (auto linear = dyn_cast<LinearOp>(op)) {
      if (!parts.getEpilogueOf(linear))
        lowerLinear(linear);
      return;
    }
    auto map = cast<MapOp>(op);
    lowerEpilogue(parts.getProductUnder(map), map);
  }

  void lowerLinear(LinearOp linear) {
    Location loc = linear.getLoc();
    Type type = getElementTypeOrSelf(linear.getResults().front().getType());
    for (auto [matrix, result] : llvm::zip_equal(linear.getMatrices(), linear.getResults()))
      mapping.map(result, createProduct(b, loc, mapping.lookup(linear.getRows()), whole(matrix), offsets, {}, {}, type,
                                        [&](OpBuilder &nested, ValueRange acc) {
                                          return convertFloat(nested, loc, acc.front(), type);
                                        }));
  }

  void lowerEpilogue(LinearOp linear, MapOp map) {
    Location loc = map.getLoc();
    SmallVector<Value> columns, scalars;
    for (Value input : map.getInputs())
      if (BodyParts::isVector(input))
        columns.push_back(weights[parts.weightOf(input)]);
      else if (input.getDefiningOp() != linear)
        scalars.push_back(
            tensor::CollapseShapeOp::create(b, loc, mapping.lookup(input), SmallVector<ReassociationIndices>{{0, 1}}));
    auto epilogue = [&](OpBuilder &nested, ValueRange arguments) {
      // Each accumulator is rounded to what the linear gave before the map sees it.
      Type rounded = getElementTypeOrSelf(linear.getResults().front().getType());
      SmallVector<Value> accumulators, inputs;
      for (Value acc : arguments.take_front(linear.getMatrices().size()))
        accumulators.push_back(convertFloat(nested, loc, acc, rounded));
      size_t column = accumulators.size(), scalar = column + columns.size();
      for (Value input : map.getInputs())
        inputs.push_back(BodyParts::isVector(input)        ? arguments[column++]
                         : input.getDefiningOp() != linear ? arguments[scalar++]
                                                           : accumulators[cast<OpResult>(input).getResultNumber()]);
      return inlineScalars(nested, map.getBody().front(), inputs, mapping);
    };
    mapping.map(map.getResult(),
                createProduct(b, loc, mapping.lookup(linear.getRows()), whole(linear.getMatrices()), offsets, columns,
                              scalars, map.getResult().getType().getElementType(), epilogue));
  }

  //===-- The rest ------------------------------------------------------------------------------------------===//

  /// Takes from `pending` what can run after what is there already, as one moe.grouped_body.
  void lowerRest(SmallVectorImpl<Operation *> &pending) {
    BodyPart part;
    llvm::erase_if(pending, [&](Operation *op) {
      if (parts.kindOf(op) != BodyOpKind::Rest || !llvm::all_of(parts.rowOperandsOf(op), [&](Value v) {
            return mapping.contains(v) || part.ops.contains(v.getDefiningOp()) || done.contains(v.getDefiningOp());
          }))
        return false;
      part.ops.insert(op);
      return true;
    });
    if (part.ops.empty())
      return;
    done.insert_range(part.ops);
    for (Operation *op : part.ops)
      remark::missed(op->getLoc(), remarkAbout(op, "not a grouped product", "moe-to-grouped"))
          << remark::reason("{0}", parts.reasonAgainst(op));
    parts.complete(part);

    auto types = llvm::map_to_vector(part.results, [](Value v) { return v.getType(); });
    Location loc = part.ops.front()->getLoc();
    auto rows = llvm::map_to_vector(part.rows, [&](Value v) { return mapping.lookup(v); });
    Value count = tensor::DimOp::create(b, loc, rows.front(), 0);
    auto inits = llvm::map_to_vector(
        types, [&](Type type) { return createEmptyRows(b, loc, cast<RankedTensorType>(type), count); });
    auto slices = llvm::to_vector(part.slices);
    auto body = GroupedBodyOp::create(b, loc, types, rows, whole(slices), offsets, inits);

    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&body.getBody());
    IRMapping inside;
    for (Value outer : llvm::concat<Value>(part.rows, slices))
      inside.map(outer, block->addArgument(outer.getType(), outer.getLoc()));
    for (Operation *op : part.ops)
      cloneOp(b, op, inside);
    YieldOp::create(b, loc, llvm::map_to_vector(part.results, [&](Value v) { return inside.lookup(v); }));
    for (auto [value, result] : llvm::zip_equal(part.results, body.getResults()))
      mapping.map(value, result);
  }

  OpBuilder &b;
  BodyParts parts;
  ValueRange weights;
  Value offsets;
  function_ref<Value(Value)> remap;
  IRMapping mapping;          ///< from the body to the sorted rows of all experts
  DenseSet<Operation *> done; ///< of the rest; what they give may be no rows, so that it has to be computed again
};

} // namespace

Value mlir::moe::lowerExpertBody(OpBuilder &b, ExpertsOp experts, ArrayRef<Value> rows, ValueRange weights,
                                 Value offsets, function_ref<Value(Value)> remap) {
  return BodyLowering(b, experts, rows, weights, offsets, remap).lower();
}
