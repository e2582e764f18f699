// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Texts.cpp - errors, and what the compiler says about models and libraries --------------------------===//

#include "Status.h"
#include "moe/Driver/Cost.h"
#include "moe/Import/HuggingFace.h"

#include "llvm/Support/JSON.h"

#include <cstdlib>
#include <cstring>

using namespace mlir::moe;
using ::moe::Error;
using ::moe::Expected;

static std::string &lastError() {
  static thread_local std::string text;
  return text;
}

const char *moe_compiler_last_error(void) { return lastError().c_str(); }

/// What is a flag of the tools is a field of moe_compiler_options here.
static std::string withoutDashes(const std::string &message) {
  return message.rfind("--", 0) == 0 ? message.substr(2) : message;
}

moe_status mlir::moe::failure(const Error &error, moe_status status) {
  lastError() = withoutDashes(error.message);
  return status;
}

moe_status mlir::moe::giveText(const Expected<std::string> &text, char **result) {
  if (!result)
    return failure(Error{"the place for the text is null"});
  *result = nullptr;
  if (!text)
    return failure(text.error());
  *result = static_cast<char *>(std::malloc(text->size() + 1));
  if (!*result)
    return failure(Error{"out of memory"}, MOE_OUT_OF_MEMORY);
  std::memcpy(*result, text->c_str(), text->size() + 1);
  return MOE_OK;
}

void moe_text_free(char *text) { std::free(text); }

static llvm::json::Value jsonOf(const ::moe::BlockDescription &block) {
  llvm::json::Array weights;
  for (const ::moe::WeightDescription *weight : block.weights())
    weights.push_back(llvm::json::Object{
        {"role", weight->role}, {"source", weight->source}, {"shape", llvm::json::Array(weight->shape)}});
  return llvm::json::Object{{"index", block.index},
                            {"layer", block.layer},
                            {"experts", block.experts},
                            {"top_k", block.topK},
                            {"model_width", block.modelWidth},
                            {"expert_width", block.expertWidth()},
                            {"weights", std::move(weights)}};
}

static std::string jsonOf(const ::moe::ModelDescription &model) {
  llvm::json::Array blocks;
  for (const ::moe::BlockDescription &block : model.blocks)
    blocks.push_back(jsonOf(block));
  llvm::json::Value value = llvm::json::Object{{"model_type", model.modelType},
                                               {"dtype", ::moe::formatName(model.dtype)},
                                               {"layers", model.layers},
                                               {"blocks", std::move(blocks)}};
  std::string text;
  llvm::raw_string_ostream os(text);
  os << value;
  return text;
}

static Expected<std::string> description(const char *input, bool json) {
  if (!input || !::moe::isModelInput(input))
    return Error{std::string(input ? input : "nothing") +
                 ": expected a checkpoint folder or its config.json, got another file"};
  auto model = ::moe::loadModel(input);
  if (!model)
    return model.error();
  return json ? jsonOf(*model) : ::moe::describeText(*model);
}

moe_status moe_describe(const char *input, int32_t json, char **text) {
  return giveText(description(input, json), text);
}

moe_status moe_list_architectures(char **text) { return giveText(::moe::listArchitecturesText(), text); }

moe_status moe_summary(const moe_library_desc *library, char **text) {
  if (!library)
    return giveText(Error{"expected a library, got null"}, text);
  return giveText(summaryText(*library), text);
}
