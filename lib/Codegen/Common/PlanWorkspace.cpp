// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PlanWorkspace.cpp - every buffer of a kernel becomes a view of one workspace -----------------------===//
//
// Kernels never allocate. Buffers of the kernel's top level get places in one workspace, one after the other, aligned
// to cache lines; branches of which one runs share their places. Sizes are functions of the number of tokens, and so is
// the function K_workspace that callers ask. Small buffers of fixed size inside a task live on its stack; larger ones
// get a place in the workspace for each task.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Iterations.h"

#include "moe/Codegen/Common/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_PLANWORKSPACE
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Cache line: no two buffers share one.
static constexpr int64_t kAlignment = 64;
/// Tasks run on threads whose stacks are someone else's: a buffer there, and all of one task, must stay well below
/// 32 KiB.
static constexpr int64_t kMaxBufferBytes = 16384, kMaxTaskBytes = 24576;

static int64_t elementBytes(MemRefType type) {
  if (type.getElementType().isIndex())
    return 8;
  return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

static Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

/// Bytes of a buffer, rounded up to whole cache lines, from its dynamic sizes.
static Value paddedBytes(OpBuilder &b, Location loc, MemRefType type, ValueRange sizes) {
  int64_t fixed = elementBytes(type);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      fixed *= size;
  Value bytes = indexConstant(b, loc, fixed);
  for (Value size : sizes)
    bytes = arith::MulIOp::create(b, loc, bytes, size);
  Value padded = arith::AddIOp::create(b, loc, bytes, indexConstant(b, loc, kAlignment - 1));
  return arith::AndIOp::create(b, loc, padded, indexConstant(b, loc, -kAlignment));
}

/// Bytes of a task's buffer at its largest: a block of rows is the block size or what is left, an affine.min of which
/// one result is fixed.
static std::optional<int64_t> largestBytes(memref::AllocOp alloc) {
  int64_t bytes = elementBytes(alloc.getType());
  for (int64_t size : alloc.getType().getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  for (Value size : alloc.getDynamicSizes()) {
    auto smallest = size.getDefiningOp<affine::AffineMinOp>();
    std::optional<int64_t> bound;
    if (smallest)
      for (AffineExpr result : smallest.getMap().getResults())
        if (auto fixed = dyn_cast<AffineConstantExpr>(result))
          bound = std::min(bound.value_or(fixed.getValue()), fixed.getValue());
    if (!bound)
      return std::nullopt;
    bytes *= *bound;
  }
  return bytes;
}

namespace {

class KernelPlanner {
public:
  explicit KernelPlanner(func::FuncOp func)
      : func(func), kernel{OpBuilder(func), {}, {}}, query{OpBuilder(func), {}, {}} {}

  LogicalResult run() {
    SmallVector<memref::AllocOp> inTasks;
    func.walk([&](memref::AllocOp alloc) {
      if (alloc->getParentOfType<scf::ForallOp>())
        inTasks.push_back(alloc);
    });
    for (memref::AllocOp alloc : inTasks)
      if (failed(placeInTask(alloc)))
        return failure();
    return placeAll();
  }

private:
  /// A task's own buffer: on its stack while there is room, else in the workspace, as its part of a new buffer before
  /// the loop.
  LogicalResult placeInTask(memref::AllocOp alloc) {
    MemRefType type = alloc.getType();
    std::optional<int64_t> bytes = largestBytes(alloc);
    if (!bytes)
      return alloc.emitOpError("cannot be a task's own buffer: expects sizes with an upper bound, got ") << type;
    auto forall = alloc->getParentOfType<scf::ForallOp>();
    while (auto outer = forall->getParentOfType<scf::ForallOp>())
      forall = outer;
    int64_t padded = static_cast<int64_t>(llvm::alignTo(*bytes, kAlignment));
    int64_t &used = stackBytes[forall];
    Location loc = alloc.getLoc();
    Value buffer;
    if (*bytes > kMaxBufferBytes || used + padded > kMaxTaskBytes) {
      OpBuilder b(forall);
      Value tasks = totalIterations(b, loc, iterations(b, forall));
      Value size = arith::MulIOp::create(b, loc, tasks, indexConstant(b, loc, padded));
      auto all = memref::AllocOp::create(b, loc, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()), size);
      b.setInsertionPoint(alloc);
      Value offset = arith::MulIOp::create(b, loc, numberOfTask(b, forall), indexConstant(b, loc, padded));
      buffer = memref::ViewOp::create(b, loc, type, all, offset, alloc.getDynamicSizes());
    } else {
      used += padded;
      OpBuilder b = OpBuilder::atBlockBegin(forall.getBody());
      bool fixed = type.hasStaticShape();
      auto stackType = fixed ? type : MemRefType::get({*bytes}, b.getI8Type());
      buffer = memref::AllocaOp::create(b, loc, stackType, b.getI64IntegerAttr(kAlignment));
      if (!fixed) {
        b.setInsertionPoint(alloc);
        buffer = memref::ViewOp::create(b, loc, type, buffer, indexConstant(b, loc, 0), alloc.getDynamicSizes());
      }
    }
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->erase();
    alloc.replaceAllUsesWith(buffer);
    alloc.erase();
    return success();
  }

  /// The number of the iteration that runs, the last dimension fastest.
  static Value numberOfTask(OpBuilder &b, scf::ForallOp loop) {
    Location loc = loop.getLoc();
    auto value = [&](OpFoldResult bound) { return getValueOrCreateConstantIndexOp(b, loc, bound); };
    Value number = indexConstant(b, loc, 0);
    for (auto [i, count] : llvm::enumerate(iterations(b, loop))) {
      Value from = arith::SubIOp::create(b, loc, loop.getInductionVar(i), value(loop.getMixedLowerBound()[i]));
      Value at = arith::DivUIOp::create(b, loc, from, value(loop.getMixedStep()[i]));
      number = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, number, count), at);
    }
    return number;
  }

  /// The end of what has been placed, computed in the kernel and in the query.
  struct Cursor {
    Value kernel, query;
  };

  /// The kernel's side and the query's: the same arithmetic on the number of tokens.
  struct Side {
    OpBuilder b;
    Value tokens;
    IRMapping map;
  };

  LogicalResult placeAll() {
    Location loc = func.getLoc();
    MLIRContext *ctx = func.getContext();
    // A running offset and a view for each buffer, at the function's start where every size that is a function of the
    // number of tokens can be computed.
    auto bytes = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(ctx, 8));
    unsigned index = func.getNumArguments();
    (void)func.insertArgument(index, bytes, DictionaryAttr(), loc);
    workspace = func.getArgument(index);
    kernel.b = OpBuilder::atBlockBegin(&func.front());
    Value zero = indexConstant(kernel.b, loc, 0);
    kernel.tokens = memref::DimOp::create(kernel.b, loc, func.getArgument(0), zero);

    query.b.setInsertionPointAfter(func);
    auto type = FunctionType::get(ctx, {IndexType::get(ctx)}, {IntegerType::get(ctx, 64)});
    auto size = func::FuncOp::create(query.b, loc, (func.getName() + "_workspace").str(), type);
    query.b.setInsertionPointToStart(size.addEntryBlock());
    query.tokens = size.getArgument(0);

    Cursor cursor{zero, indexConstant(query.b, loc, 0)};
    if (failed(placeIn(func.getBody(), cursor)))
      return failure();
    Value total = arith::IndexCastOp::create(query.b, loc, query.b.getI64Type(), cursor.query);
    func::ReturnOp::create(query.b, loc, total);
    return success();
  }

  LogicalResult placeIn(Region &region, Cursor &cursor) {
    for (Operation &op : llvm::make_early_inc_range(region.getOps())) {
      if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        if (failed(place(alloc, cursor)))
          return failure();
      } else if (auto test = dyn_cast<scf::IfOp>(op)) {
        if (failed(placeInBranches(test, cursor)))
          return failure();
      } else {
        for (Region &nested : op.getRegions())
          if (failed(placeIn(nested, cursor)))
            return failure();
      }
    }
    return success();
  }

  /// Both branches start at the same place, and what comes after starts behind the larger one.
  LogicalResult placeInBranches(scf::IfOp test, Cursor &cursor) {
    Cursor first = cursor, second = cursor;
    if (failed(placeIn(test.getThenRegion(), first)) || failed(placeIn(test.getElseRegion(), second)))
      return failure();
    auto larger = [&](OpBuilder &b, Value x, Value y) {
      return x == y ? x : arith::MaxUIOp::create(b, test.getLoc(), x, y).getResult();
    };
    cursor = {larger(kernel.b, first.kernel, second.kernel), larger(query.b, first.query, second.query)};
    return success();
  }

  LogicalResult place(memref::AllocOp alloc, Cursor &cursor) {
    Location loc = func.getLoc();
    SmallVector<Value> kernelSizes, querySizes;
    for (Value size : alloc.getDynamicSizes()) {
      FailureOr<Value> inKernel = rematerialise(kernel, size), inQuery = rematerialise(query, size);
      if (failed(inKernel) || failed(inQuery))
        return alloc.emitOpError("has a size that is no function of the number of tokens");
      kernelSizes.push_back(*inKernel);
      querySizes.push_back(*inQuery);
    }
    OpBuilder &b = kernel.b, &q = query.b;
    Value view = memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(), workspace, cursor.kernel, kernelSizes);
    cursor.kernel = arith::AddIOp::create(b, loc, cursor.kernel, paddedBytes(b, loc, alloc.getType(), kernelSizes));
    cursor.query = arith::AddIOp::create(q, loc, cursor.query, paddedBytes(q, loc, alloc.getType(), querySizes));
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->erase();
    alloc.replaceAllUsesWith(view);
    alloc.erase();
    return success();
  }

  /// `size` computed anew on one side from the number of tokens.
  FailureOr<Value> rematerialise(Side &side, Value size) {
    if (Value known = side.map.lookupOrNull(size))
      return known;
    Operation *op = size.getDefiningOp();
    if (!op)
      return failure();
    // Row counts of arguments are the number of tokens; other dimensions of arguments are static and fold.
    if (auto dim = dyn_cast<memref::DimOp>(op))
      if (auto argument = dyn_cast<BlockArgument>(dim.getSource()))
        if (argument.getOwner() == &func.front() && dim.getConstantIndex() == 0) {
          side.map.map(size, side.tokens);
          return side.tokens;
        }
    if (op->getNumRegions() != 0 || !isMemoryEffectFree(op) || isa<memref::DimOp>(op))
      return failure();
    for (Value operand : op->getOperands())
      if (failed(rematerialise(side, operand)))
        return failure();
    side.b.clone(*op, side.map);
    return side.map.lookup(size);
  }

  func::FuncOp func;
  Value workspace;
  Side kernel, query;
  DenseMap<Operation *, int64_t> stackBytes; ///< of a task of each loop, so far
};

struct PlanWorkspace : moe::impl::PlanWorkspaceBase<PlanWorkspace> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal())
        kernels.push_back(func);
    for (func::FuncOp kernel : kernels)
      if (failed(KernelPlanner(kernel).run()))
        return signalPassFailure();
  }
};

} // namespace
