// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AbiStructs.h - the structs of Runtime.h as types of the LLVM dialect -------------------------------===//
//
// Generated code and the runtime must agree on every offset. The fields are listed once, in order, and compared with
// the C header when this is compiled.
//
//===------------------------------------------------------------------------------------------------------===//

#ifndef MOE_LIB_TARGET_ABISTRUCTS_H
#define MOE_LIB_TARGET_ABISTRUCTS_H

#include "moe/Runtime/Runtime.h"

#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstddef>

namespace mlir::moe::abi {

enum class Field { Pointer, I64, I32, I64x2 };

constexpr size_t sizeOf(Field field) { return field == Field::I32 ? 4 : field == Field::I64x2 ? 16 : 8; }

template <size_t N>
struct Struct {
  const char *name;
  Field fields[N];
  size_t offsets[N]; ///< by offsetof, in the same order
  size_t size;       ///< by sizeof

  /// Whether LLVM's natural layout of `fields` is the compiler's of the C struct.
  constexpr bool matches() const {
    size_t offset = 0;
    for (size_t i = 0; i < N; ++i) {
      size_t align = fields[i] == Field::I32 ? 4 : 8;
      offset = (offset + align - 1) / align * align;
      if (offset != offsets[i])
        return false;
      offset += sizeOf(fields[i]);
    }
    return (offset + 7) / 8 * 8 == size;
  }
};

#define MOE_AT(member) offsetof(MOE_STRUCT, member)

#define MOE_STRUCT ::moe_source_desc
inline constexpr Struct<8> sourceDesc = {
    "moe_source_desc",
    {Field::Pointer, Field::I64, Field::I64, Field::I64, Field::I64, Field::I64, Field::I32, Field::I32},
    {MOE_AT(name), MOE_AT(rows), MOE_AT(cols), MOE_AT(row_begin), MOE_AT(row_step), MOE_AT(stored_rows),
     MOE_AT(transposed), MOE_AT(reserved)},
    sizeof(MOE_STRUCT)};
static_assert(sourceDesc.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_expert_range
inline constexpr Struct<2> expertRange = {
    "moe_expert_range", {Field::I64, Field::I64}, {MOE_AT(begin), MOE_AT(end)}, sizeof(MOE_STRUCT)};
static_assert(expertRange.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_weight_desc
inline constexpr Struct<11> weightDesc = {
    "moe_weight_desc",
    {Field::Pointer, Field::Pointer, Field::I64, Field::I64, Field::I64, Field::I64, Field::I32, Field::I32,
     Field::Pointer, Field::I64, Field::Pointer},
    {MOE_AT(symbol), MOE_AT(sources), MOE_AT(num_sources), MOE_AT(experts), MOE_AT(panel), MOE_AT(k_group),
     MOE_AT(dtype), MOE_AT(reserved), MOE_AT(unused), MOE_AT(num_unused), MOE_AT(format)},
    sizeof(MOE_STRUCT)};
static_assert(weightDesc.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_operand_desc
inline constexpr Struct<5> operandDesc = {"moe_operand_desc",
                                          {Field::Pointer, Field::I64, Field::I64x2, Field::I32, Field::I32},
                                          {MOE_AT(name), MOE_AT(rank), MOE_AT(shape), MOE_AT(dtype), MOE_AT(reserved)},
                                          sizeof(MOE_STRUCT)};
static_assert(operandDesc.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_variant_desc
inline constexpr Struct<6> variantDesc = {
    "moe_variant_desc",
    {Field::Pointer, Field::I64, Field::Pointer, Field::I64, Field::Pointer, Field::Pointer},
    {MOE_AT(level), MOE_AT(required_features), MOE_AT(weights), MOE_AT(num_weights), MOE_AT(workspace_size),
     MOE_AT(run)},
    sizeof(MOE_STRUCT)};
static_assert(variantDesc.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_layer_desc
inline constexpr Struct<12> layerDesc = {
    "moe_layer_desc",
    {Field::Pointer, Field::I64, Field::I64, Field::I64, Field::I64, Field::I64, Field::Pointer, Field::I64,
     Field::Pointer, Field::I64, Field::Pointer, Field::I64},
    {MOE_AT(name), MOE_AT(block), MOE_AT(experts), MOE_AT(top_k), MOE_AT(model_width), MOE_AT(expert_width),
     MOE_AT(inputs), MOE_AT(num_inputs), MOE_AT(outputs), MOE_AT(num_outputs), MOE_AT(variants), MOE_AT(num_variants)},
    sizeof(MOE_STRUCT)};
static_assert(layerDesc.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_library_desc
inline constexpr Struct<7> libraryDesc = {
    "moe_library_desc",
    {Field::I64, Field::Pointer, Field::Pointer, Field::Pointer, Field::Pointer, Field::Pointer, Field::I64},
    {MOE_AT(abi_version), MOE_AT(compiler), MOE_AT(model_type), MOE_AT(checkpoint), MOE_AT(digest), MOE_AT(layers),
     MOE_AT(num_layers)},
    sizeof(MOE_STRUCT)};
static_assert(libraryDesc.matches());
#undef MOE_STRUCT

#define MOE_STRUCT ::moe_kernel_args
inline constexpr Struct<8> kernelArgs = {"moe_kernel_args",
                                         {Field::I64, Field::Pointer, Field::Pointer, Field::Pointer, Field::Pointer,
                                          Field::Pointer, Field::Pointer, Field::Pointer},
                                         {MOE_AT(tokens), MOE_AT(inputs), MOE_AT(input_strides), MOE_AT(outputs),
                                          MOE_AT(output_strides), MOE_AT(weights), MOE_AT(workspace), MOE_AT(pool)},
                                         sizeof(MOE_STRUCT)};
static_assert(kernelArgs.matches());
/// Indices of the fields of moe_kernel_args that an entry reads.
enum KernelArg : int32_t {
  argTokens,
  argInputs,
  argInputStrides,
  argOutputs,
  argOutputStrides,
  argWeights,
  argWorkspace,
  argPool
};
#undef MOE_STRUCT
#undef MOE_AT

inline Type typeOf(MLIRContext *context, Field field) {
  Type i64 = IntegerType::get(context, 64);
  switch (field) {
  case Field::Pointer:
    return LLVM::LLVMPointerType::get(context);
  case Field::I64:
    return i64;
  case Field::I32:
    return IntegerType::get(context, 32);
  case Field::I64x2:
    return LLVM::LLVMArrayType::get(i64, 2);
  }
  llvm_unreachable("a field kind without a type");
}

/// The identified struct type, the same one for every call in a context.
template <size_t N>
LLVM::LLVMStructType typeOf(MLIRContext *context, const Struct<N> &layout) {
  auto type = LLVM::LLVMStructType::getIdentified(context, layout.name);
  SmallVector<Type> fields;
  for (Field field : layout.fields)
    fields.push_back(typeOf(context, field));
  // Fails only when the struct has another body, which nobody else gives these names.
  (void)type.setBody(fields, /*isPacked=*/false);
  return type;
}

} // namespace mlir::moe::abi

#endif // MOE_LIB_TARGET_ABISTRUCTS_H
