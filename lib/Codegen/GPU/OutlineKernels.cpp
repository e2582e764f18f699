// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- OutlineKernels.cpp - parallel loops to device kernels and launch records ---------------------------===//
//
// A task becomes a block of a kernel. All kernels of a layer take the same arguments, and compute what they need of the
// number of tokens themselves, so nothing of the layer's function is left but the records of what is to be started.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "LaunchRecords.h"

#include "../Common/Iterations.h"
#include "moe/Codegen/GPU/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::moe {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "moe/Codegen/GPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Arguments of all kernels of one layer: T, then for each operand its address and, of rows, their stride.
class DeviceArguments {
public:
  explicit DeviceArguments(func::FuncOp function) : function(function) {
    MLIRContext *ctx = function.getContext();
    types.push_back(IndexType::get(ctx));
    for (BlockArgument argument : function.getArguments()) {
      types.push_back(LLVM::LLVMPointerType::get(ctx));
      if (hasStride(argument))
        types.push_back(IndexType::get(ctx));
    }
  }

  ArrayRef<Type> getTypes() const { return types; }

  /// Gives the kernel's body the memrefs of the layer's arguments.
  void unpack(OpBuilder &b, ValueRange given, IRMapping &map) {
    unsigned next = 1;
    for (BlockArgument argument : function.getArguments()) {
      Value address =
          LLVM::PtrToIntOp::create(b, function.getLoc(), IntegerType::get(b.getContext(), 64), given[next++]);
      Value stride = hasStride(argument) ? given[next++] : Value();
      map.map(argument, memory(b, cast<MemRefType>(argument.getType()), given[0], address, stride));
    }
  }

private:
  bool hasStride(BlockArgument argument) {
    bool workspace = argument.getArgNumber() + 1 == function.getNumArguments();
    return !workspace && !function.getArgAttr(argument.getArgNumber(), kPackingAttr);
  }

  Value memory(OpBuilder &b, MemRefType type, Value tokens, Value address, Value stride) {
    Location loc = function.getLoc();
    if (type.hasStaticShape() && type.getLayout().isIdentity())
      return FromAddressOp::create(b, loc, type, address);
    Value start = FromAddressOp::create(b, loc, MemRefType::get({1}, type.getElementType()), address);
    SmallVector<OpFoldResult> sizes, strides(type.getRank(), b.getIndexAttr(1));
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? OpFoldResult(tokens) : OpFoldResult(b.getIndexAttr(size)));
    if (type.getRank() == 2)
      strides[0] = stride;
    return memref::ReinterpretCastOp::create(b, loc, type, start, b.getIndexAttr(0), sizes, strides);
  }

  func::FuncOp function;
  SmallVector<Type> types;
};

class ProgramOutliner {
public:
  ProgramOutliner(func::FuncOp function, gpu::GPUModuleOp device, int64_t threads)
      : function(function), device(device), arguments(function), threads(threads) {}

  FailureOr<SmallVector<LaunchRecord>> run() {
    if (failed(outlineIn(function.front(), "1")))
      return failure();
    return std::move(launches);
  }

private:
  FailureOr<std::string> expression(Value value) {
    return sizeExpression(value, /*tokens=*/Value(), function.getArgument(0));
  }

  LogicalResult outlineIn(Block &block, const std::string &when) {
    for (Operation &op : block) {
      if (auto loop = dyn_cast<scf::ForallOp>(op)) {
        if (failed(outline(loop, when)))
          return failure();
      } else if (auto test = dyn_cast<scf::IfOp>(op)) {
        FailureOr<std::string> condition = expression(test.getCondition());
        if (failed(condition))
          return failure();
        bool always = when == "1";
        if (failed(outlineIn(*test.thenBlock(), always ? *condition : *condition + " " + when + " *")))
          return failure();
        std::string inverse = *condition + " 0 1 ?";
        if (test.elseBlock() && failed(outlineIn(*test.elseBlock(), always ? inverse : inverse + " " + when + " *")))
          return failure();
      } else if (!op.hasTrait<OpTrait::IsTerminator>() && !isMemoryEffectFree(&op)) {
        return op.emitOpError("touches memory outside of a parallel loop; run moe-serial-to-tasks");
      }
    }
    return success();
  }

  LogicalResult outline(scf::ForallOp loop, const std::string &when) {
    Location loc = loop.getLoc();
    std::string name = (function.getName() + "_" + Twine(launches.size())).str();
    OpBuilder b(loop);
    SmallVector<Value> counts = iterations(b, loop);
    Value total = totalIterations(b, loc, counts);

    b.setInsertionPointToEnd(device.getBody());
    auto type = b.getFunctionType(arguments.getTypes(), {});
    auto kernel = gpu::GPUFuncOp::create(b, loc, name, type);
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    kernel->setAttr(kTaskCodeAttr, b.getUnitAttr());
    kernel.setKnownBlockSize(ArrayRef<int32_t>{static_cast<int32_t>(threads), 1, 1});
    b.setInsertionPointToStart(&kernel.getBody().front());
    IRMapping map;
    arguments.unpack(b, kernel.getArguments(), map);

    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(loop.getRegion(), captured);
    captured.insert(counts.begin(), counts.end());
    for (OpFoldResult bound : llvm::concat<OpFoldResult>(loop.getMixedLowerBound(), loop.getMixedStep()))
      if (auto value = dyn_cast<Value>(bound))
        captured.insert(value);
    for (Value value : captured)
      if (failed(computeAgain(b, value, map)))
        return failure();
    for (auto alloca : loop.getBody()->getOps<memref::AllocaOp>())
      map.map(alloca.getResult(), sharedBuffer(b, kernel, alloca));
    mapInductionVars(b, loop, gpu::BlockIdOp::create(b, loc, gpu::Dimension::x), counts, map);
    for (Operation &op : loop.getBody()->without_terminator())
      if (!isa<memref::AllocaOp>(op))
        b.clone(op, map);
    gpu::ReturnOp::create(b, loc);

    FailureOr<std::string> grid = expression(total);
    if (failed(grid))
      return failure();
    launches.push_back({name, when, *grid, threads, /*shared=*/0});
    return success();
  }

  /// What comes from outside of the loop is a function of the arguments: views of buffers, sizes and constants.
  LogicalResult computeAgain(OpBuilder &b, Value value, IRMapping &map) {
    if (map.contains(value))
      return success();
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumRegions() != 0 || !isMemoryEffectFree(op)) {
      if (op)
        return op->emitOpError("gives a value that device kernels take, but cannot compute from their arguments");
      return emitError(value.getLoc(), "a value that device kernels take, but cannot compute from their arguments");
    }
    for (Value operand : op->getOperands())
      if (failed(computeAgain(b, operand, map)))
        return failure();
    b.clone(*op, map);
    return success();
  }

  /// A task's own buffer is shared by the threads that run the task.
  static Value sharedBuffer(OpBuilder &b, gpu::GPUFuncOp kernel, memref::AllocaOp alloca) {
    MemRefType type = alloca.getType();
    auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
    auto shared = MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(), space);
    Value buffer = kernel.addWorkgroupAttribution(shared, alloca.getLoc());
    kernel.setWorkgroupAttributionAttr(static_cast<int>(kernel.getNumWorkgroupAttributions()) - 1,
                                       LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
    return memref::MemorySpaceCastOp::create(b, alloca.getLoc(), type, buffer);
  }

  func::FuncOp function;
  gpu::GPUModuleOp device;
  DeviceArguments arguments;
  int64_t threads;
  SmallVector<LaunchRecord> launches;
};

struct OutlineKernels : moe::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<DictionaryAttr>(kTargetAttr);
    auto threads = target ? target.getAs<IntegerAttr>("threads") : IntegerAttr();
    if (!threads) {
      module.emitError("expects a moe.target with the threads of a block; run moe-select-device-config");
      return signalPassFailure();
    }
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    auto device = gpu::GPUModuleOp::create(b, module.getLoc(), kDeviceModule);
    SmallVector<func::FuncOp> functions, programs;
    for (auto function : module.getOps<func::FuncOp>()) {
      functions.push_back(function);
      if (!function.isExternal() && function.getNumArguments() && isa<MemRefType>(function.getArgument(0).getType()))
        programs.push_back(function);
    }
    LaunchRecordWriter records(module);
    for (func::FuncOp program : programs) {
      auto launches = ProgramOutliner(program, device, threads.getInt()).run();
      if (failed(launches) || failed(records.addProgram(program, *launches)))
        return signalPassFailure();
    }
    module->setAttr(kLaunchesAttr, b.getStringAttr(records.text()));
    // What the records say now.
    for (Operation &op : llvm::make_early_inc_range(module.getBody()->getOperations()))
      if (isa<LayerOp, WeightOp>(op))
        op.erase();
    for (func::FuncOp function : functions)
      function.erase();
  }
};

} // namespace
