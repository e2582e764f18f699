// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ForkVariants.cpp - a function for each variant of a routing's products, and the test between them --===//

#include "Remarks.h"
#include "RoutedPart.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FORKVARIANTS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Sizes, views and fresh tensors are made again in the function rather than handed over.
static bool isMadeAgain(Operation *op) {
  if (!op || op->getNumRegions() != 0)
    return false;
  return matchPattern(op, m_Constant()) || isa<tensor::EmptyOp, tensor::SplatOp, tensor::DimOp>(op) ||
         isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) ||
         (isa<arith::ArithDialect>(op->getDialect()) &&
          llvm::all_of(op->getResultTypes(), [](Type type) { return type.isIndex(); }));
}

namespace {

/// Moves one part of a kernel into a function.
class Outliner {
public:
  explicit Outliner(const RoutedPart &part) : part(part), members(part.ops.begin(), part.ops.end()) {
    for (Operation *op : part.ops)
      need(op);
  }

  ValueRange inputs() const { return taken.getArrayRef(); }

  /// The part as a function behind `before`.
  func::FuncOp outline(SymbolTable &symbols, Operation *before, StringRef name) {
    OpBuilder b(before->getContext());
    Location loc = part.ops.front()->getLoc();
    SmallVector<Type> results;
    for (Value result : part.results)
      results.push_back(result.getType());
    auto type = b.getFunctionType(inputs().getTypes(), results);
    auto function = func::FuncOp::create(loc, name, type);
    function.setPrivate();
    symbols.insert(function, std::next(Block::iterator(before)));
    b.setInsertionPointToStart(function.addEntryBlock());
    IRMapping map;
    map.map(inputs(), function.getArguments());
    for (Operation *op : ordered)
      b.clone(*op, map)->removeAttr(kVariantsAttr);
    SmallVector<Value> returned;
    for (Value result : part.results)
      returned.push_back(map.lookup(result));
    func::ReturnOp::create(b, loc, returned);
    return function;
  }

private:
  /// Puts `op` after what it takes.
  void need(Operation *op) {
    if (!seen.insert(op).second)
      return;
    auto take = [&](Value value) {
      Operation *source = value.getDefiningOp();
      if (taken.contains(value) || (source && members.contains(source)))
        return;
      if (isMadeAgain(source))
        need(source);
      else
        taken.insert(value);
    };
    // What the call computes is written to a tensor of the caller's, the same for all variants.
    if (isa<CombineSlotsOp, CombineRowsOp>(op))
      for (Value init : cast<DestinationStyleOpInterface>(op).getDpsInits())
        taken.insert(init);
    for (Value operand : op->getOperands())
      take(operand);
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(op->getRegions(), above);
    llvm::for_each(above, take);
    ordered.push_back(op);
  }

  const RoutedPart &part;
  llvm::SmallPtrSet<Operation *, 16> members, seen;
  llvm::SetVector<Value> taken;
  SmallVector<Operation *> ordered;
};

struct ForkVariants : moe::impl::ForkVariantsBase<ForkVariants> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<PlanOp> plans;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](PlanOp plan) {
        if (plan->hasAttr(kVariantsAttr))
          plans.push_back(plan);
      });
    for (PlanOp plan : plans)
      if (failed(fork(symbols, plan)))
        return signalPassFailure();
  }

private:
  LogicalResult fork(SymbolTable &symbols, PlanOp plan) {
    auto variants = plan->getAttrOfType<VariantsAttr>(kVariantsAttr);
    if (!variants)
      return plan.emitOpError("expects ")
             << kVariantsAttr << " to be #moe.variants, got " << plan->getAttr(kVariantsAttr);
    std::string reason;
    FailureOr<RoutedPart> part = RoutedPart::of(plan, reason);
    if (failed(part))
      return plan.emitOpError("cannot be forked: ") << reason;
    auto kernel = plan->getParentOfType<func::FuncOp>();
    Outliner outliner(*part);
    SmallVector<func::FuncOp> functions;
    for (VariantAttr variant : variants.getVariants()) {
      StringRef kind = stringifyVariantKind(variant.getKind());
      Operation *before = functions.empty() ? kernel : functions.back();
      auto function = outliner.outline(symbols, before, (kernel.getName() + "_" + kind).str());
      function->setAttr(kVariantAttr, StringAttr::get(&getContext(), kind));
      functions.push_back(function);
    }
    remark::passed(plan.getLoc(), remarkAbout(plan, "forked", getArgument()))
        << "the products of a routing into " + std::to_string(functions.size()) + " functions";

    OpBuilder b(part->ops.back());
    Location loc = plan.getLoc();
    Value rows;
    if (functions.size() > 1)
      rows = tensor::DimOp::create(b, loc, plan.getIds(), 0);
    SmallVector<Value> results = dispatch(b, loc, rows, variants, functions, outliner.inputs());
    for (auto [old, result] : llvm::zip_equal(part->results, results))
      old.replaceAllUsesWith(result);
    for (Operation *op : llvm::reverse(part->ops))
      op->erase();
    return success();
  }

  /// A call of the first of `functions` that is for so few rows; the last is for any number.
  SmallVector<Value> dispatch(OpBuilder &b, Location loc, Value rows, VariantsAttr variants,
                              ArrayRef<func::FuncOp> functions, ValueRange inputs) {
    if (functions.size() == 1)
      return func::CallOp::create(b, loc, functions.front(), inputs).getResults();
    size_t next = variants.getVariants().size() - functions.size() + 1;
    Value limit = arith::ConstantIndexOp::create(b, loc, variants.getVariants()[next].getFrom());
    Value few = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, rows, limit);
    func::FuncOp first = functions.front();
    auto test = scf::IfOp::create(b, loc, first.getResultTypes(), few, /*withElseRegion=*/true);
    if (next == 1)
      test->setAttr(kVariantsAttr, variants);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(test.thenBlock());
    scf::YieldOp::create(b, loc, func::CallOp::create(b, loc, first, inputs).getResults());
    b.setInsertionPointToStart(test.elseBlock());
    scf::YieldOp::create(b, loc, dispatch(b, loc, rows, variants, functions.drop_front(), inputs));
    return SmallVector<Value>(test.getResults());
  }
};

} // namespace
