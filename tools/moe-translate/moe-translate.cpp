// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-translate.cpp - in and out of MLIR: model descriptions, C headers ------------------------------===//

#include "../CommandLine.h"
#include "moe/Driver/Translate.h"
#include "moe/InitAll.h"

#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace mlir::moe;

static cl::OptionCategory category("moe-translate");
static cl::opt<std::string> input(cl::Positional, cl::desc("INPUT"), cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("file to write"), cl::value_desc("file"), cl::init("-"),
                                   cl::cat(category));
static cl::opt<Translation>
    action(cl::desc("What to do:"), cl::cat(category),
           cl::values(clEnumValN(Translation::ImportHuggingFace, "import-huggingface",
                                 "a checkpoint folder or config.json to IR"),
                      clEnumValN(Translation::CHeader, "moe-to-c-header", "the C header of the compiled library"),
                      clEnumValN(Translation::PTX, "moe-to-ptx", "PTX for --chip"),
                      clEnumValN(Translation::Describe, "describe", "a model's MoE blocks in words"),
                      clEnumValN(Translation::ListArchitectures, "list-architectures",
                                 "the model types that can be imported")));
static cl::opt<std::string>
    dtype("dtype",
          cl::desc("number format instead of the checkpoint's: f32, bf16, f16, or int8 ... for the experts' weights"),
          cl::cat(category));
static cl::opt<std::string> layers("layers", cl::desc("MoE blocks to import, such as 0,3-5"), cl::cat(category));

static cl::opt<std::string> chip("chip", cl::desc("GPU, for --moe-to-ptx (default sm_80)"), cl::init("sm_80"),
                                 cl::cat(category));

static Expected<Unit> run(int argc, char **argv) {
  if (auto parsed = parseFlags(argc, argv, category, "moe-translate: in and out of MLIR\n"); !parsed)
    return parsed;
  if (!action.getNumOccurrences())
    return ::moe::Error{
        "expected --import-huggingface, --moe-to-c-header, --moe-to-ptx, --describe or --list-architectures, got none"};
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  InputOptions options;
  options.path = input;
  options.dtype = dtype;
  options.layers = layers;
  return translateToFile(context, action, options, output, chip);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  return finish("moe-translate", run(argc, argv));
}
