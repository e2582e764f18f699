// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FuseResidual.cpp - maps of combined rows run as the combination stores them ------------------------===//
//
// A residual, the rows of a shared expert and a scale of the output come after the combination, as maps of its rows and
// others in the same order. As its epilogue they cost no pass over memory of their own.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Epilogue.h"
#include "Remarks.h"
#include "ToGrouped.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSERESIDUAL
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FuseResidual : moe::impl::FuseResidualBase<FuseResidual> {
  void runOnOperation() override {
    SmallVector<CombineSlotsOp> combines;
    getOperation()->walk([&](Operation *op) {
      if (auto combine = dyn_cast<CombineSlotsOp>(op))
        combines.push_back(combine);
      else if (auto rows = dyn_cast<CombineRowsOp>(op))
        if (MapOp map = mapOf(rows.getResult()))
          notFused(map, getArgument()) << remark::reason("where experts pick rows, the combination has no epilogue");
    });
    for (CombineSlotsOp combine : combines)
      while (MapOp map = mapOf(combine.getResult())) {
        if (std::optional<StringRef> reason = reasonAgainst(combine, map)) {
          notFused(map, getArgument()) << remark::reason("{0}", *reason);
          break;
        }
        combine = fuse(combine, map);
      }
  }

private:
  static MapOp mapOf(Value rows) {
    for (Operation *user : rows.getUsers())
      if (auto map = dyn_cast<MapOp>(user))
        return map;
    return {};
  }

  static std::optional<StringRef> reasonAgainst(CombineSlotsOp combine, MapOp map) {
    if (!llvm::all_of(combine.getResult().getUsers(), [&](Operation *user) { return user == map; }))
      return "the combined rows have other users";
    if (combine->getBlock() != map->getBlock())
      return "the combination is in another block";
    return std::nullopt;
  }

  /// The combination in the place of `map`, whose function follows its own epilogue.
  static CombineSlotsOp fuse(CombineSlotsOp combine, MapOp map) {
    IRRewriter rewriter(map);
    Location loc = rewriter.getFusedLoc({combine.getLoc(), map.getLoc()});
    RankedTensorType type = map.getResult().getType();
    Value init = createEmptyRows(rewriter, loc, type, tensor::DimOp::create(rewriter, loc, combine.getInit(), 0));
    auto others = llvm::to_vector(combine.getOthers());
    for (Value input : map.getInputs())
      if (input != combine.getResult())
        others.push_back(input);
    auto result =
        CombineSlotsOp::create(rewriter, loc, type, combine.getRows(), combine.getSharedAttr(), combine.getCountAttr(),
                               combine.getKindAttr(), combine.getWeights(), combine.getIds(), init, others);
    SmallVector<Type> types{rewriter.getF32Type()};
    for (Value other : others)
      types.push_back(getElementTypeOrSelf(other.getType()));
    Block *block = rewriter.createBlock(&result.getEpilogue(), {}, types, SmallVector<Location>(types.size(), loc));

    // What the combination gave before, rounded as it was then.
    IRMapping mapping;
    ValueRange arguments = block->getArguments();
    Value combined =
        combine.getEpilogueBlock()
            ? inlineScalars(rewriter, *combine.getEpilogueBlock(), arguments.take_front(combine.getOthers().size() + 1),
                            mapping)
            : convertFloat(rewriter, loc, arguments.front(), combine.getResult().getType().getElementType());
    SmallVector<Value> inputs;
    size_t next = combine.getOthers().size() + 1;
    for (Value input : map.getInputs())
      inputs.push_back(input == combine.getResult() ? combined : arguments[next++]);
    Value value = inlineScalars(rewriter, map.getBody().front(), inputs, mapping);
    YieldOp::create(rewriter, loc, value);
    fused(map, "moe-fuse-residual") << "in the epilogue of the combination";
    rewriter.replaceOp(map, result.getResult());
    rewriter.eraseOp(combine);
    return result;
  }
};

} // namespace
