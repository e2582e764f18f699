// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares what the description expects with what the checkpoint holds, before anything is compiled.
#include "moe/Checkpoint/Text.h"
#include "moe/Import/HuggingFace.h"

using namespace moe;

static bool isConvertible(DType dtype) { return dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16; }

static Expected<Unit> checkWeight(const ModelDescription &model, const BlockDescription &block,
                                  const WeightDescription &weight, const Checkpoint &checkpoint) {
  std::vector<int64_t> expected = weight.storedShape();
  int64_t tensors = weight.perExpert() ? weight.shape.front() : 1;
  for (int64_t e = 0; e < tensors; ++e) {
    std::string name = weight.tensorName(e);
    const TensorInfo *tensor = checkpoint.find(name);
    std::string wanted = "F32, BF16 or F16 " + shapeText(expected);
    if (!tensor) {
      std::string place = "the " + weight.role;
      if (weight.perExpert())
        place += " of expert " + std::to_string(e) + " of " + std::to_string(tensors);
      return Error{printable(checkpoint.path()) + ": no tensor " + quote(name) + "; expected " + wanted + " as " +
                   place + " in layer " + std::to_string(block.layer) + ", as " + model.configFile + " says"};
    }
    // A vector may be stored as a matrix of one row.
    bool oneRow = expected.size() == 1 && tensor->shape == std::vector<int64_t>{1, expected[0]};
    if ((tensor->shape != expected && !oneRow) || !isConvertible(tensor->dtype))
      return Error{checkpoint.fileOf(*tensor) + ": tensor " + quote(name) + ": expected " + wanted + ", got " +
                   std::string(dtypeName(tensor->dtype)) + " " + shapeText(tensor->shape) + "; " + model.configFile +
                   " describes another model"};
  }
  return Unit{};
}

Expected<Unit> moe::checkTensors(const ModelDescription &model, const Checkpoint &checkpoint) {
  for (const BlockDescription &block : model.blocks)
    for (const WeightDescription *weight : block.weights()) {
      Expected<Unit> checked = checkWeight(model, block, *weight, checkpoint);
      if (!checked)
        return checked;
    }
  return Unit{};
}
