// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- OutlineTasks.cpp - parallel loops to task functions and one call of the runtime --------------------===//
//
// scf.forall becomes a function `task(ctx, begin, end)` that runs a range of the loop's iterations, counted in one
// number, and a call moe_parallel_for(pool, iterations, task, ctx). What the body takes from outside travels in a
// struct on the caller's stack, which outlives the call.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Iterations.h"
#include "moe/Codegen/Common/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::moe {
#define GEN_PASS_DEF_OUTLINETASKS
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static constexpr llvm::StringLiteral kParallelFor = "moe_parallel_for";
static constexpr llvm::StringLiteral kPoolThreads = "moe_pool_threads";

namespace {

class TaskOutliner {
public:
  TaskOutliner(func::FuncOp kernel, Value pool, LLVMTypeConverter &converter)
      : kernel(kernel), pool(pool), converter(converter), pointer(LLVM::LLVMPointerType::get(kernel.getContext())) {}

  LogicalResult outline(scf::ForallOp loop, unsigned number) {
    if (loop.getNumResults() != 0)
      return loop.emitOpError("still works on tensors: tasks are outlined after bufferization");
    OpBuilder b(loop);
    Location loc = loop.getLoc();
    SmallVector<Value> counts = iterations(b, loop);
    Value total = totalIterations(b, loc, counts);

    SmallVector<Value> captured;
    SmallVector<Operation *> constants;
    collect(loop, counts, captured, constants);
    Value context = pack(b, loc, captured);
    std::string name = (kernel.getName() + "_task" + Twine(number)).str();
    func::FuncOp task = makeTask(loop, name, counts, captured, constants);

    Value function = func::ConstantOp::create(b, loc, task.getFunctionType(), name);
    Value address = UnrealizedConversionCastOp::create(b, loc, pointer, function).getResult(0);
    Value tasks = arith::IndexCastOp::create(b, loc, b.getI64Type(), total);
    func::CallOp::create(b, loc, kParallelFor, TypeRange(), ValueRange{pool, tasks, address, context});
    loop.erase();
    return success();
  }

private:
  /// Values from outside: constants are made again in the task, everything else is captured.
  static void collect(scf::ForallOp loop, ArrayRef<Value> counts, SmallVector<Value> &captured,
                      SmallVector<Operation *> &constants) {
    llvm::SetVector<Value> values;
    getUsedValuesDefinedAbove(loop.getRegion(), values);
    for (OpFoldResult bound : llvm::concat<OpFoldResult>(loop.getMixedLowerBound(), loop.getMixedStep()))
      if (auto value = dyn_cast<Value>(bound))
        values.insert(value);
    values.insert(counts.begin(), counts.end());
    for (Value value : values) {
      Operation *op = value.getDefiningOp();
      if (op && matchPattern(op, m_Constant()))
        constants.push_back(op);
      else
        captured.push_back(value);
    }
  }

  LLVM::LLVMStructType contextType(ArrayRef<Value> captured) {
    SmallVector<Type> fields;
    for (Value value : captured)
      fields.push_back(converter.convertType(value.getType()));
    return LLVM::LLVMStructType::getLiteral(kernel.getContext(), fields);
  }

  /// The captured values in a struct on the kernel's stack.
  Value pack(OpBuilder &b, Location loc, ArrayRef<Value> captured) {
    LLVM::LLVMStructType type = contextType(captured);
    Value memory;
    {
      OpBuilder entry = OpBuilder::atBlockBegin(&kernel.front());
      Value one = LLVM::ConstantOp::create(entry, loc, entry.getI64Type(), entry.getI64IntegerAttr(1));
      memory = LLVM::AllocaOp::create(entry, loc, pointer, type, one, /*alignment=*/16);
    }
    Value packed = LLVM::UndefOp::create(b, loc, type);
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value field = UnrealizedConversionCastOp::create(b, loc, type.getBody()[i], value).getResult(0);
      packed = LLVM::InsertValueOp::create(b, loc, packed, field, ArrayRef<int64_t>{static_cast<int64_t>(i)});
    }
    LLVM::StoreOp::create(b, loc, packed, memory);
    return memory;
  }

  func::FuncOp makeTask(scf::ForallOp loop, StringRef name, ArrayRef<Value> counts, ArrayRef<Value> captured,
                        ArrayRef<Operation *> constants) {
    OpBuilder b(kernel);
    Location loc = loop.getLoc();
    auto type = b.getFunctionType({pointer, b.getI64Type(), b.getI64Type()}, {});
    auto task = func::FuncOp::create(b, loc, name, type);
    task.setPrivate();
    // A task is compiled for the machine of its kernel.
    for (StringRef name : {kLevelAttr, kTargetAttr})
      if (Attribute value = kernel->getAttr(name))
        task->setAttr(name, value);
    b.setInsertionPointToStart(task.addEntryBlock());

    IRMapping map;
    LLVM::LLVMStructType fields = contextType(captured);
    Value packed = LLVM::LoadOp::create(b, loc, fields, task.getArgument(0));
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value field = LLVM::ExtractValueOp::create(b, loc, packed, ArrayRef<int64_t>{static_cast<int64_t>(i)});
      map.map(value, UnrealizedConversionCastOp::create(b, loc, value.getType(), field).getResult(0));
    }
    for (Operation *constant : constants)
      b.clone(*constant, map);
    // The stack buffers of an iteration are reused by the next: they belong to the function, not to the loop.
    for (auto alloca : llvm::make_early_inc_range(loop.getBody()->getOps<memref::AllocaOp>())) {
      b.clone(*alloca, map);
    }

    Value begin = arith::IndexCastOp::create(b, loc, b.getIndexType(), task.getArgument(1));
    Value end = arith::IndexCastOp::create(b, loc, b.getIndexType(), task.getArgument(2));
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto range = scf::ForOp::create(b, loc, begin, end, one);
    func::ReturnOp::create(b, loc);
    b.setInsertionPointToStart(range.getBody());
    mapInductionVars(b, loop, range.getInductionVar(), counts, map);
    for (Operation &op : loop.getBody()->without_terminator())
      if (!isa<memref::AllocaOp>(op))
        b.clone(op, map);
    return task;
  }

  func::FuncOp kernel;
  Value pool;
  LLVMTypeConverter &converter;
  Type pointer;
};

struct OutlineTasks : moe::impl::OutlineTasksBase<OutlineTasks> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *ctx = &getContext();
    LLVMTypeConverter converter(ctx);
    Type pointer = LLVM::LLVMPointerType::get(ctx);
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    declare(b, kParallelFor, b.getFunctionType({pointer, b.getI64Type(), pointer, pointer}, {}));
    SmallVector<func::FuncOp> kernels;
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal() && !func.isPrivate() &&
          isa_and_nonnull<MemRefType>(func.getNumArguments() ? func.getArgument(0).getType() : Type()))
        kernels.push_back(func);
    for (func::FuncOp kernel : kernels) {
      unsigned index = kernel.getNumArguments();
      (void)kernel.insertArgument(index, pointer, DictionaryAttr(), kernel.getLoc());
      askThreads(kernel, kernel.getArgument(index));
      TaskOutliner outliner(kernel, kernel.getArgument(index), converter);
      SmallVector<scf::ForallOp> loops;
      kernel.walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
        loops.push_back(loop);
        return WalkResult::skip(); // A loop inside a task is serial.
      });
      for (auto [number, loop] : llvm::enumerate(loops))
        if (failed(outliner.outline(loop, number)))
          return signalPassFailure();
    }
  }

  void declare(OpBuilder &b, StringRef name, FunctionType type) {
    if (!getOperation().lookupSymbol(name))
      func::FuncOp::create(b, getOperation().getLoc(), name, type).setPrivate();
  }

  /// The pool of a call knows its threads; asked once, before all loops.
  void askThreads(func::FuncOp kernel, Value pool) {
    SmallVector<ThreadsOp> questions;
    kernel.walk([&](ThreadsOp op) { questions.push_back(op); });
    if (questions.empty())
      return;
    OpBuilder module = OpBuilder::atBlockBegin(getOperation().getBody());
    declare(module, kPoolThreads, module.getFunctionType({pool.getType()}, {module.getI32Type()}));
    OpBuilder b = OpBuilder::atBlockBegin(&kernel.front());
    Location loc = kernel.getLoc();
    auto call = func::CallOp::create(b, loc, kPoolThreads, TypeRange(b.getI32Type()), ValueRange(pool));
    Value count = arith::IndexCastOp::create(b, loc, b.getIndexType(), call.getResult(0));
    for (ThreadsOp question : questions) {
      question.replaceAllUsesWith(count);
      question.erase();
    }
  }
};

} // namespace
