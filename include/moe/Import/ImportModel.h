// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a model description to the model form of the moe dialect.
#ifndef MOE_IMPORT_IMPORTMODEL_H
#define MOE_IMPORT_IMPORTMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "moe/Import/ModelDescription.h"

#include <optional>
#include <vector>

namespace mlir::moe {

struct ImportOptions {
  /// Instead of the description's number format: F32, BF16 or F16.
  std::optional<::moe::DType> dtype;
  /// Indices of the MoE blocks to import; empty: all of them.
  std::vector<int64_t> layers;
};

/// Attributes of the module that say where it came from: strings, absent when unknown.
constexpr llvm::StringLiteral kModelTypeAttr = "moe.model_type";
constexpr llvm::StringLiteral kCheckpointAttr = "moe.checkpoint";
constexpr llvm::StringLiteral kDigestAttr = "moe.digest";

/// Emits one `moe.layer` a block, its `moe.weight` symbols and one kernel function for each distinct shape of block.
/// Null after an error, which is emitted as a diagnostic of the context. Loads the dialects that it uses.
OwningOpRef<ModuleOp> importModel(MLIRContext *context, const ::moe::ModelDescription &model,
                                  const ImportOptions &options = {});

} // namespace mlir::moe

#endif // MOE_IMPORT_IMPORTMODEL_H
