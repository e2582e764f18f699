// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Descriptor.cpp - constants of the library descriptor -----------------------------------------------===//

#include "Descriptor.h"

using namespace mlir;
using namespace mlir::moe;

DescriptorBuilder::DescriptorBuilder(ModuleOp module, Location loc)
    : module(module), loc(loc), builder(OpBuilder::atBlockEnd(module.getBody())) {}

FlatSymbolRefAttr DescriptorBuilder::text(StringRef value) {
  FlatSymbolRefAttr &known = texts[value];
  if (known)
    return known;
  std::string bytes = value.str() + '\0';
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
  std::string name = "moe.text." + std::to_string(texts.size() - 1);
  auto global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                                       builder.getStringAttr(bytes));
  global.setUnnamedAddr(LLVM::UnnamedAddr::Global);
  return known = FlatSymbolRefAttr::get(global.getSymNameAttr());
}

Value DescriptorBuilder::constant(OpBuilder &builder, abi::Field field, const Constant &value) {
  Type type = abi::typeOf(builder.getContext(), field);
  switch (field) {
  case abi::Field::Pointer:
    if (!value.address)
      return LLVM::ZeroOp::create(builder, loc, type);
    return LLVM::AddressOfOp::create(builder, loc, type, value.address);
  case abi::Field::I64:
  case abi::Field::I32:
    return LLVM::ConstantOp::create(builder, loc, type, builder.getIntegerAttr(type, value.number));
  case abi::Field::I64x2: {
    auto pair = builder.getI64TensorAttr({value.number, value.second});
    return LLVM::ConstantOp::create(builder, loc, type, pair);
  }
  }
  llvm_unreachable("a field kind without a constant");
}

FlatSymbolRefAttr DescriptorBuilder::array(StringRef name, LLVM::LLVMStructType type, ArrayRef<abi::Field> fields,
                                           ArrayRef<Row> rows) {
  if (rows.empty())
    return {};
  auto arrayType = LLVM::LLVMArrayType::get(type, rows.size());
  auto global =
      LLVM::GlobalOp::create(builder, loc, arrayType, /*isConstant=*/true, LLVM::Linkage::Internal, name, Attribute());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&global.getInitializerRegion());
  Value all = LLVM::UndefOp::create(builder, loc, arrayType);
  for (auto [index, row] : llvm::enumerate(rows)) {
    assert(row.size() == fields.size() && "a constant for every field");
    Value one = LLVM::UndefOp::create(builder, loc, type);
    for (auto [position, field] : llvm::enumerate(fields)) {
      Value value = constant(builder, field, row[position]);
      one = LLVM::InsertValueOp::create(builder, loc, one, value, static_cast<int64_t>(position));
    }
    all = LLVM::InsertValueOp::create(builder, loc, all, one, static_cast<int64_t>(index));
  }
  LLVM::ReturnOp::create(builder, loc, all);
  return FlatSymbolRefAttr::get(global.getSymNameAttr());
}
