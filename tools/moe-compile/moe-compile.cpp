// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- moe-compile.cpp - a model description or .mlir to a shared library ---------------------------------===//

#include "../CommandLine.h"
#include "moe/Driver/Emit.h"
#include "moe/InitAll.h"

#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace mlir::moe;

static cl::OptionCategory category("moe-compile");
static cl::opt<std::string> input(cl::Positional, cl::desc("INPUT"), cl::Required, cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("file to write"), cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string> target("target", cl::desc("cpu (default) or nvptx"), cl::init("cpu"), cl::cat(category));
static cl::opt<std::string> cpu("cpu",
                                cl::desc("native (default), x86-64 (all its levels), x86-64-v3, x86-64-v4, "
                                         "avx512-bf16, amx, armv8-a, or a CPU's name"),
                                cl::init("native"), cl::cat(category));
static cl::opt<std::string> chip("chip",
                                 cl::desc("GPU to compile for: sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100a, sm_120"),
                                 cl::cat(category));
static cl::opt<std::string>
    emit("emit",
         cl::desc("mlir, llvm, asm, obj, shared (default, with its header), header; for nvptx mlir, llvm, "
                  "ptx, cubin"),
         cl::init("shared"), cl::cat(category));
static cl::opt<std::string> stage("stage", cl::desc("for --emit=mlir: model, grouped, linalg, kernel, target"),
                                  cl::cat(category));
static cl::opt<std::string>
    dtype("dtype",
          cl::desc("number format instead of the checkpoint's: f32, bf16, f16, or int8 ... for the experts' weights"),
          cl::cat(category));
static cl::opt<std::string> layers("layers", cl::desc("MoE blocks to compile, such as 0,3-5"), cl::cat(category));
static cl::opt<std::string> dump("dump-stages", cl::desc("folder for one readable file a stage"), cl::value_desc("dir"),
                                 cl::cat(category));
static cl::opt<std::string> checkpoint("checkpoint", cl::desc("folder with the weights"), cl::value_desc("dir"),
                                       cl::cat(category));
static cl::opt<bool> reference("reference", cl::desc("the naive lowering instead of the optimised one"),
                               cl::cat(category));
// Named as in mlir-opt.
static cl::opt<std::string> reproducer("mlir-pass-pipeline-crash-reproducer",
                                       cl::desc("file for IR and passes of a run that fails or crashes"),
                                       cl::value_desc("file"), cl::cat(category));
static cl::opt<bool> localReproducer("mlir-pass-pipeline-local-reproducer",
                                     cl::desc("with the former: of the pass that fails alone"), cl::cat(category));
static cl::list<std::string> &withoutPasses = withoutPassFlag(category);
static cl::opt<int64_t> randomWeights("random-weights", cl::desc("compile without looking for weights"),
                                      cl::value_desc("seed"), cl::cat(category));

static Expected<Unit> run(int argc, char **argv) {
  if (auto parsed = parseFlags(argc, argv, category, "moe-compile: mixture-of-experts layers to native code\n");
      !parsed)
    return parsed;
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  EmitOptions options;
  options.input.path = input;
  options.input.dtype = dtype;
  options.input.layers = layers;
  options.input.checkpoint = checkpoint;
  options.input.randomWeights = randomWeights.getNumOccurrences() > 0;
  options.target = target;
  options.cpu = cpu;
  options.chip = chip;
  options.emit = emit;
  options.stage = stage;
  options.output = output;
  options.dumpFolder = dump;
  options.reference = reference;
  options.reproducer = {reproducer, localReproducer};
  options.withoutPasses = withoutPasses;
  if (localReproducer)
    context.disableMultithreading();
  return compileToFile(context, options);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  return finish("moe-compile", run(argc, argv));
}
