// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LayerInfo.h - what a layer looks like from outside, read from IR of any stage ----------------------===//

#ifndef MOE_TARGET_LAYERINFO_H
#define MOE_TARGET_LAYERINFO_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace mlir::moe {

/// An input or output: rank 1 or 2; the first dimension may be ShapedType::kDynamic, the number of tokens.
struct OperandInfo {
  std::string name;
  SmallVector<int64_t, 2> shape;
  Type elementType;
};

struct LayerInfo {
  std::string name;
  std::string kernel;
  int64_t block = 0;
  int64_t experts = 0, topK = 0, modelWidth = 0, expertWidth = 0; ///< 0: does not say
  SmallVector<OperandInfo> inputs, outputs;
};

/// The arguments of a kernel at the kernel stage, by what they are for.
struct KernelArguments {
  SmallVector<unsigned> inputs, weights, outputs;
  unsigned workspace = 0, pool = 0;

  /// Sorts the arguments out and checks their types; emits an error when this is no kernel.
  static FailureOr<KernelArguments> of(func::FuncOp kernel);
};

/// From the layer and its kernel, be it a function of tensors (down to the linalg stage) or of buffers.
FailureOr<LayerInfo> describeLayer(LayerOp layer, SymbolTableCollection &symbols);

/// Every layer of a module, in order.
FailureOr<std::vector<LayerInfo>> describeLayers(ModuleOp module);

/// A moe_dtype, or 0 when the ABI has none for this type.
int32_t abiDType(Type type);

} // namespace mlir::moe

#endif // MOE_TARGET_LAYERINFO_H
