// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The way in: a checkpoint folder or its config.json becomes a checked ModelDescription.
#ifndef MOE_IMPORT_HUGGINGFACE_H
#define MOE_IMPORT_HUGGINGFACE_H

#include "moe/Import/ModelFamily.h"

namespace moe {

enum class WeightsPolicy {
  IfPresent, ///< check them when they are there
  Required,  ///< missing weights are an error
  Ignored,   ///< do not look: random weights stand in for them
};

struct LoadOptions {
  WeightsPolicy weights = WeightsPolicy::IfPresent;
  std::optional<DType> dtype; ///< instead of the checkpoint's
};

/// Is this input a model description, rather than .mlir text? A folder, or a file called *.json.
bool isModelInput(const std::string &input);

Expected<ModelDescription> loadModel(const std::string &input, const LoadOptions &options = {},
                                     const FamilyRegistry &registry = FamilyRegistry::builtIn());

/// Checks that every weight of the model is in the checkpoint, with its shape and in a format that can be converted.
Expected<Unit> checkTensors(const ModelDescription &model, const Checkpoint &checkpoint);

} // namespace moe

#endif // MOE_IMPORT_HUGGINGFACE_H
