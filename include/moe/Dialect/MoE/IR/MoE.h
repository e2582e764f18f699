// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoE.h - the moe dialect: ops, attributes, types, interfaces ----------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_MOE_H
#define MOE_DIALECT_MOE_IR_MOE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/BitVector.h"

#include "moe/Dialect/MoE/IR/MoEDialect.h.inc"
#include "moe/Dialect/MoE/IR/MoEEnums.h.inc"

#include "moe/Dialect/MoE/IR/MoEAttrInterfaces.h.inc"
#include "moe/Dialect/MoE/IR/MoEOpInterfaces.h.inc"

namespace mlir::moe {
/// What a prefetch touches.
struct CacheResource : SideEffects::Resource::Base<CacheResource> {
  StringRef getName() final { return "moe.cache"; }
};
} // namespace mlir::moe

#define GET_ATTRDEF_CLASSES
#include "moe/Dialect/MoE/IR/MoEAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "moe/Dialect/MoE/IR/MoETypes.h.inc"

#define GET_OP_CLASSES
#include "moe/Dialect/MoE/IR/MoEOps.h.inc"

namespace mlir::moe {

/// The largest number of experts a routing may have.
constexpr int64_t kMaxExperts = 4096;

/// Checks that every value of `block` that depends on one of `rowArguments` does so row by row, and emits an error at
/// the first op that breaks this. Rows are known by data flow: an op that takes rows must be a RowwiseOpInterface, be
/// elementwise by trait, or be a structured op whose row operands and results are all indexed by one parallel loop in
/// their first dimension.
LogicalResult verifyRowwise(Block &block, ValueRange rowArguments);

/// Name that a function's results carry in a compiled layer ("output", "logits", "experts", "weights").
constexpr llvm::StringLiteral kResultNameAttr = "moe.name";

/// Name of the packing attribute on an argument of a kernel.
constexpr llvm::StringLiteral kPackingAttr = "moe.packing";

/// On a weight argument of a kernel: the name of its number format, where this is not that of its element type.
constexpr llvm::StringLiteral kFormatAttr = "moe.format";

/// What code may be generated: an attribute of a module, or of a function that differs from its module; see
/// moe/Target/Machine.h for the keys.
constexpr llvm::StringLiteral kTargetAttr = "moe.target";

/// On a function: the name of the machine level it is for, where a library has kernels of several levels.
constexpr llvm::StringLiteral kLevelAttr = "moe.level";

/// On a plan, and on the test between its variants: #moe.variants.
constexpr llvm::StringLiteral kVariantsAttr = "moe.variants";

/// On a function made of a part of a kernel: the name of the variant that it is.
constexpr llvm::StringLiteral kVariantAttr = "moe.variant";

/// Most places of an order padded to the capacity of experts, E * capacity: their number is known when a layer is
/// compiled, and so is the memory that they take.
constexpr int64_t kMaxPaddedPlaces = 1 << 20;

/// On a module: what the cost model knows of a machine; see moe/CostModel/CostModel.h for the keys.
constexpr llvm::StringLiteral kMachineAttr = "moe.machine";

/// How many leading arguments of a kernel are inputs: all that are no weights of the layers that call it, before and
/// after weights are packed. A kernel without a layer has one.
unsigned countInputs(Operation *kernel);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_IR_MOE_H
