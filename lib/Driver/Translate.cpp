// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Translate.cpp - what moe-translate does ------------------------------------------------------------===//

#include "moe/Driver/Translate.h"

#include "moe/Driver/Emit.h"
#include "moe/Import/HuggingFace.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

static Expected<std::string> textFrom(MLIRContext &context, const InputOptions &input) {
  auto text = loadInputText(context, input);
  if (!text)
    return text.error();
  return (*text)->getBuffer().str();
}

static Expected<std::string> description(const InputOptions &input) {
  if (!::moe::isModelInput(input.path))
    return Error{input.path + ": --describe: expected a checkpoint folder or its config.json, got another file"};
  auto model = ::moe::loadModel(input.path);
  if (!model)
    return model.error();
  return ::moe::describeText(*model);
}

Expected<Unit> mlir::moe::translateToFile(MLIRContext &context, Translation translation, const InputOptions &input,
                                          StringRef output, StringRef chip) {
  if (translation == Translation::ListArchitectures)
    return writeFile(output, ::moe::listArchitecturesText());
  if (input.path.empty())
    return Error{"expected an INPUT, got none"};
  if (translation == Translation::CHeader) {
    EmitOptions options;
    options.input = input;
    options.emit = "header";
    options.output = output.str();
    return compileToFile(context, options);
  }
  if (translation == Translation::PTX) {
    EmitOptions options;
    options.input = input;
    options.target = "nvptx";
    options.chip = chip.str();
    options.emit = "ptx";
    options.output = output.str();
    return compileToFile(context, options);
  }
  if (translation == Translation::ImportHuggingFace && !::moe::isModelInput(input.path))
    return Error{input.path +
                 ": --import-huggingface: expected a checkpoint folder or its config.json, got another file"};
  auto text = translation == Translation::Describe ? description(input) : textFrom(context, input);
  if (!text)
    return text.error();
  return writeFile(output, *text);
}
