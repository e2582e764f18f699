// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- KernelEntry.cpp - the C functions of a kernel ------------------------------------------------------===//
//
// The runtime knows pointers and row strides; a kernel knows memrefs. The entry in between builds the descriptors that
// the conversion to LLVM gives memrefs, and hands them over by casts that this conversion folds away.
//
//===------------------------------------------------------------------------------------------------------===//

#include "KernelEntry.h"

#include "AbiStructs.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Emits the body of `<kernel>_run`.
class EntryBuilder {
public:
  EntryBuilder(OpBuilder &builder, Location loc, Value args)
      : builder(builder), loc(loc), types(builder.getContext()), args(args),
        pointer(LLVM::LLVMPointerType::get(builder.getContext())), i64(builder.getI64Type()),
        argsType(abi::typeOf(builder.getContext(), abi::kernelArgs)) {}

  Value field(abi::KernelArg index) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, argsType, args, ArrayRef<LLVM::GEPArg>{0, index});
    return LLVM::LoadOp::create(builder, loc, index == abi::argTokens ? i64 : pointer, address);
  }

  /// array[index], of pointers or numbers.
  Value element(Value array, int32_t index, Type type) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, type, array, ArrayRef<LLVM::GEPArg>{index});
    return LLVM::LoadOp::create(builder, loc, type, address);
  }

  /// A memref at `data`. Unknown rows are `rows`, and an unknown stride is `stride`.
  Value memref(MemRefType type, Value data, Value rows, Value stride) {
    auto descriptor = MemRefDescriptor::poison(builder, loc, types.convertType(type));
    descriptor.setAllocatedPtr(builder, loc, data);
    descriptor.setAlignedPtr(builder, loc, data);
    descriptor.setConstantOffset(builder, loc, 0);
    auto [strides, offset] = type.getStridesAndOffset();
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (ShapedType::isDynamic(size))
        descriptor.setSize(builder, loc, dim, rows);
      else
        descriptor.setConstantSize(builder, loc, dim, size);
      if (ShapedType::isDynamic(strides[dim]))
        descriptor.setStride(builder, loc, dim, stride);
      else
        descriptor.setConstantStride(builder, loc, dim, strides[dim]);
    }
    return UnrealizedConversionCastOp::create(builder, loc, type, Value(descriptor)).getResult(0);
  }

  void fill(func::FuncOp kernel, LLVM::LLVMFuncOp bytes, const KernelArguments &arguments);

private:
  OpBuilder &builder;
  Location loc;
  LLVMTypeConverter types;
  Value args;
  Type pointer, i64;
  LLVM::LLVMStructType argsType;
};

} // namespace

void EntryBuilder::fill(func::FuncOp kernel, LLVM::LLVMFuncOp bytes, const KernelArguments &arguments) {
  SmallVector<Value> operands(kernel.getNumArguments());
  auto typeAt = [&](unsigned index) { return cast<MemRefType>(kernel.getArgumentTypes()[index]); };
  Value tokens = field(abi::argTokens);

  auto addRows = [&](ArrayRef<unsigned> indices, abi::KernelArg dataField, abi::KernelArg strideField) {
    if (indices.empty())
      return;
    Value data = field(dataField), strides = field(strideField);
    for (auto [position, index] : llvm::enumerate(indices))
      operands[index] =
          memref(typeAt(index), element(data, position, pointer), tokens, element(strides, position, i64));
  };
  addRows(arguments.inputs, abi::argInputs, abi::argInputStrides);
  addRows(arguments.outputs, abi::argOutputs, abi::argOutputStrides);

  Value weights = arguments.weights.empty() ? Value() : field(abi::argWeights);
  for (auto [position, index] : llvm::enumerate(arguments.weights)) {
    Value table = element(weights, position, pointer);
    auto packing = kernel.getArgAttrOfType<PackingAttr>(index, kPackingAttr);
    Value data = packing.getPanel() > 0 ? table : element(table, 0, pointer);
    operands[index] = memref(typeAt(index), data, tokens, Value());
  }

  Value size = LLVM::CallOp::create(builder, loc, bytes, tokens).getResult();
  operands[arguments.workspace] = memref(typeAt(arguments.workspace), field(abi::argWorkspace), size, Value());
  operands[arguments.pool] = field(abi::argPool);
  func::CallOp::create(builder, loc, kernel, operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

static LLVM::LLVMFuncOp createFunction(OpBuilder &builder, Location loc, const Twine &name, Type result,
                                       Type argument) {
  auto type = LLVM::LLVMFunctionType::get(result, argument);
  auto function = LLVM::LLVMFuncOp::create(builder, loc, name.str(), type, LLVM::Linkage::Internal);
  function.addEntryBlock(builder);
  return function;
}

KernelEntry mlir::moe::emitKernelEntry(func::FuncOp kernel, func::FuncOp workspace, const KernelArguments &arguments) {
  MLIRContext *context = kernel.getContext();
  Location loc = kernel.getLoc();
  OpBuilder builder(context);
  builder.setInsertionPointAfter(kernel);
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type();
  KernelEntry entry;
  entry.bytes = createFunction(builder, loc, kernel.getSymName() + "_bytes", i64, i64);
  entry.run = createFunction(builder, loc, kernel.getSymName() + "_run", LLVM::LLVMVoidType::get(context), pointer);

  builder.setInsertionPointToStart(&entry.bytes.getBody().front());
  Value tokens = entry.bytes.getArgument(0);
  if (workspace.getArgumentTypes().front().isIndex())
    tokens = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), tokens);
  Value bytes = func::CallOp::create(builder, loc, workspace, tokens).getResult(0);
  LLVM::ReturnOp::create(builder, loc, bytes);

  builder.setInsertionPointToStart(&entry.run.getBody().front());
  EntryBuilder(builder, loc, entry.run.getArgument(0)).fill(kernel, entry.bytes, arguments);
  return entry;
}
