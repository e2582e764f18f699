// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Descriptor.h - constants of the library descriptor -------------------------------------------------===//

#ifndef MOE_LIB_TARGET_DESCRIPTOR_H
#define MOE_LIB_TARGET_DESCRIPTOR_H

#include "AbiStructs.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::moe {

/// Writes constant globals of structs: strings are shared, arrays of structs are one global each.
class DescriptorBuilder {
public:
  /// One field of a constant struct: a number, or the address of a global or function (null when empty).
  struct Constant {
    Constant(int64_t number) : number(number) {}
    Constant(std::pair<int64_t, int64_t> pair) : number(pair.first), second(pair.second) {}
    Constant(FlatSymbolRefAttr address) : address(address) {}

    int64_t number = 0, second = 0;
    FlatSymbolRefAttr address;
  };
  using Row = SmallVector<Constant>;

  DescriptorBuilder(ModuleOp module, Location loc);

  /// The address of a zero-terminated string.
  FlatSymbolRefAttr text(StringRef value);

  /// The address of an array of structs; a null address when there are no rows.
  template <size_t N>
  FlatSymbolRefAttr array(StringRef name, const abi::Struct<N> &layout, ArrayRef<Row> rows) {
    return array(name, abi::typeOf(module.getContext(), layout), layout.fields, rows);
  }

private:
  FlatSymbolRefAttr array(StringRef name, LLVM::LLVMStructType type, ArrayRef<abi::Field> fields, ArrayRef<Row> rows);
  Value constant(OpBuilder &builder, abi::Field field, const Constant &value);

  ModuleOp module;
  Location loc;
  OpBuilder builder;
  llvm::StringMap<FlatSymbolRefAttr> texts;
};

} // namespace mlir::moe

#endif // MOE_LIB_TARGET_DESCRIPTOR_H
