// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compiler.cpp - compiling, for programs in other languages ------------------------------------------===//

#include "Status.h"
#include "moe/Driver/Cost.h"
#include "moe/Driver/Emit.h"
#include "moe/Driver/RemarkLines.h"
#include "moe/InitAll.h"
#include "moe/Target/Jit.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

struct moe_code {
  std::unique_ptr<JitLibrary> library;
  std::string report;
};

static std::string textOr(const char *text, const char *otherwise = "") { return text ? text : otherwise; }

static InputOptions inputOf(const moe_compiler_options &options) {
  InputOptions input;
  input.path = textOr(options.input);
  if (options.text)
    input.text = options.text;
  input.dtype = textOr(options.dtype);
  input.layers = textOr(options.layers);
  input.checkpoint = textOr(options.checkpoint);
  input.randomWeights = options.random_weights;
  return input;
}

static CompileOptions compileOf(const moe_compiler_options &options) {
  CompileOptions compile;
  compile.cpu = textOr(options.cpu, "native");
  compile.reference = options.reference;
  return compile;
}

static Expected<Unit> checkInput(const moe_compiler_options *options) {
  if (options && options->input && *options->input)
    return Unit();
  return Error{"expected an input, got none"};
}

static MLIRContext &prepared(MLIRContext &context) {
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  return context;
}

static Expected<std::unique_ptr<JitLibrary>> compile(MLIRContext &context, const moe_compiler_options &options) {
  InputOptions input = inputOf(options);
  auto module = loadInput(context, input);
  if (!module)
    return module.error();
  auto code = compileInput(**module, compileOf(options), /*dumpFolder=*/"");
  if (!code)
    return inInput(input.path, code.error());
  auto object = (*code)->object();
  if (!object)
    return toError(object.takeError());
  auto library = JitLibrary::load(std::move(*object));
  if (!library)
    return inInput(input.path, toError(library.takeError()));
  return std::move(*library);
}

moe_status moe_compile(const moe_compiler_options *options, moe_code **code) {
  if (!code)
    return failure(Error{"moe_compile: code is null"});
  *code = nullptr;
  if (auto checked = checkInput(options); !checked)
    return failure(checked.error());
  MLIRContext context;
  RemarkLines remarks(&prepared(context));
  auto library = compile(context, *options);
  if (!library)
    return failure(library.error());
  std::string report = summaryText(*(*library)->descriptor()) + remarks.text();
  *code = new moe_code{std::move(*library), std::move(report)};
  return MOE_OK;
}

void moe_code_free(moe_code *code) { delete code; }

const moe_library_desc *moe_code_library(const moe_code *code) { return code ? code->library->descriptor() : nullptr; }

const char *moe_code_report(const moe_code *code) { return code ? code->report.c_str() : ""; }

moe_status moe_compile_to_file(const moe_compiler_options *options, const char *emit, const char *output) {
  if (auto checked = checkInput(options); !checked)
    return failure(checked.error());
  MLIRContext context;
  EmitOptions emitting;
  emitting.input = inputOf(*options);
  emitting.cpu = textOr(options->cpu, "native");
  emitting.reference = options->reference;
  emitting.emit = textOr(emit, "shared");
  emitting.output = textOr(output);
  auto done = compileToFile(prepared(context), emitting);
  return done ? MOE_OK : failure(done.error());
}

static Expected<std::string> textAt(const moe_compiler_options &options, const std::string &name) {
  std::optional<Stage> stage = parseStage(name);
  if (!stage)
    return Error{"expected the stage model, grouped, linalg, kernel or target, got '" + name + "'"};
  if (options.reference && (*stage == Stage::Grouped || *stage == Stage::Linalg))
    return Error{"the reference lowering has no stage " + name + "; expected model, kernel or target"};
  MLIRContext context;
  InputOptions input = inputOf(options);
  auto module = loadInput(prepared(context), input);
  if (!module)
    return module.error();
  CompileOptions compile = compileOf(options);
  compile.last = *stage;
  if (auto lowered = lower(**module, compile); !lowered)
    return inInput(input.path, lowered.error());
  std::string text;
  llvm::raw_string_ostream os(text);
  (*module)->print(os);
  return text;
}

moe_status moe_compile_to_stage(const moe_compiler_options *options, const char *stage, char **text) {
  if (auto checked = checkInput(options); !checked)
    return failure(checked.error());
  return giveText(textAt(*options, textOr(stage, "model")), text);
}
