// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Emit.cpp - what moe-compile writes -----------------------------------------------------------------===//

#include "moe/Driver/Emit.h"

#include "moe/Codegen/GPU/Chip.h"
#include "moe/Codegen/GPU/Passes.h"
#include "moe/Driver/Dump.h"
#include "moe/Target/CHeader.h"
#include "moe/Target/Ptxas.h"
#include "moe/Target/SharedLibrary.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

Expected<Unit> mlir::moe::writeFile(StringRef path, StringRef bytes) {
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << bytes;
    return llvm::Error::success();
  });
  if (error)
    return Error{path.str() + ": cannot be written: " + toError(std::move(error)).message};
  return Unit();
}

static std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  return text;
}

/// PTX with the launch records in its first line.
static Expected<std::string> devicePTX(ModuleOp module, const NativeCode &code) {
  auto assembly = code.assembly();
  if (!assembly)
    return toError(assembly.takeError());
  auto launches = module->getAttrOfType<StringAttr>(kLaunchesAttr);
  return "// moe.launches: " + launches.getValue().str() + "\n" + *assembly;
}

/// Names in the header come from the file that is written.
static Expected<std::string> headerOf(ModuleOp module, StringRef output) {
  DiagnosticLine diagnostics(module.getContext());
  auto layers = describeLayers(module);
  if (failed(layers))
    return diagnostics.error("the layers cannot be described");
  if (layers->empty())
    return Error{"expected at least one moe.layer to describe in a header, got none"};
  std::string name = output.empty() || output == "-" ? "moe" : llvm::sys::path::stem(output).str();
  std::string text;
  llvm::raw_string_ostream os(text);
  writeCHeader(*layers, name, os);
  return text;
}

Expected<std::unique_ptr<NativeCode>> mlir::moe::compileInput(ModuleOp module, CompileOptions compile,
                                                              const std::string &dumpFolder) {
  StageDumper dumper(dumpFolder);
  if (!dumpFolder.empty()) {
    if (auto opened = dumper.open(); !opened)
      return opened.error();
    compile.atStage = [&](ModuleOp at, Stage stage) { return dumper.dumpStage(at, stage); };
  }
  if (auto lowered = lower(module, compile); !lowered)
    return lowered.error();
  auto code = generate(module, /*device=*/!compile.chip.empty());
  if (!code || dumpFolder.empty())
    return code;
  if (!compile.chip.empty()) {
    if (auto dumped = dumper.dumpDeviceCode(**code, compile.chip); !dumped)
      return dumped.error();
    return code;
  }
  if (auto dumped = dumper.dumpCode(**code); !dumped)
    return dumped.error();
  return code;
}

CompileOptions EmitOptions::compileOptions() const {
  CompileOptions compile;
  compile.cpu = cpu;
  compile.chip = chip;
  compile.reference = reference;
  compile.reproducer = reproducer;
  compile.withoutPasses = withoutPasses;
  return compile;
}

static Expected<Unit> emitMLIR(ModuleOp module, const EmitOptions &options) {
  std::optional<Stage> last = options.stage.empty() ? Stage::Model : parseStage(options.stage);
  if (!last)
    return Error{"--stage: expected model, grouped, linalg, kernel or target, got '" + options.stage + "'"};
  if (options.reference && (*last == Stage::Grouped || *last == Stage::Linalg))
    return Error{"--stage=" + options.stage +
                 ": the reference lowering has no such stage; expected model, kernel or target"};
  CompileOptions compile = options.compileOptions();
  compile.last = *last;
  if (auto lowered = lower(module, compile); !lowered)
    return inInput(options.input.path, lowered.error());
  return writeFile(options.output.empty() ? "-" : options.output, textOf(module));
}

static Expected<Unit> emitCode(ModuleOp module, const EmitOptions &options) {
  // Before the layers are lowered away.
  auto header = headerOf(module, options.output);
  auto code = compileInput(module, options.compileOptions(), options.dumpFolder);
  if (!code)
    return inInput(options.input.path, code.error());
  std::string text = options.output.empty() ? "-" : options.output;
  if (options.emit == "llvm")
    return writeFile(text, (*code)->llvmText());
  if (options.emit == "asm") {
    auto assembly = (*code)->assembly();
    if (!assembly)
      return toError(assembly.takeError());
    return writeFile(text, *assembly);
  }
  auto object = (*code)->object();
  if (!object)
    return toError(object.takeError());
  if (options.emit == "obj")
    return writeFile(options.output, (*object)->getBuffer());
  if (!header)
    return inInput(options.input.path, header.error());
  if (llvm::Error error = linkSharedLibrary((*object)->getMemBufferRef(), options.output))
    return toError(std::move(error));
  llvm::SmallString<256> headerPath(options.output);
  llvm::sys::path::replace_extension(headerPath, "h");
  return writeFile(headerPath, *header);
}

static Expected<Unit> emitDeviceCode(ModuleOp module, const EmitOptions &options) {
  auto code = compileInput(module, options.compileOptions(), options.dumpFolder);
  if (!code)
    return inInput(options.input.path, code.error());
  std::string text = options.output.empty() ? "-" : options.output;
  if (options.emit == "llvm")
    return writeFile(text, (*code)->llvmText());
  auto ptx = devicePTX(module, **code);
  if (!ptx)
    return ptx.error();
  if (options.emit == "ptx")
    return writeFile(text, *ptx);
  std::string ptxas = findPtxas();
  if (ptxas.empty())
    return Error{"--emit=cubin: expected ptxas in CUDA_HOME/bin, on the PATH or from tools/install-ptxas.sh, found "
                 "none; write --emit=ptx, which the driver compiles when it loads it"};
  auto cubin = assemblePTX(ptxas, *ptx, options.chip);
  if (!cubin)
    return toError(cubin.takeError());
  return writeFile(options.output, cubin->bytes);
}

static Expected<Unit> checkTarget(const EmitOptions &options) {
  bool device = options.target == "nvptx";
  if (!device && options.target != "cpu")
    return Error{"--target: expected cpu or nvptx, got '" + options.target + "'"};
  if (!device && !options.chip.empty())
    return Error{"--chip is for --target=nvptx, got --target=cpu"};
  if (!device && (options.emit == "ptx" || options.emit == "cubin"))
    return Error{"--emit=" + options.emit + " is for --target=nvptx, got --target=cpu"};
  if (!device)
    return Unit();
  if (!findChip(options.chip))
    return Error{"--chip: expected " + chipNames() + ", got '" + options.chip + "'"};
  if (options.reference)
    return Error{"--reference is for --target=cpu, got --target=nvptx"};
  if (!llvm::StringSwitch<bool>(options.emit).Cases({"mlir", "llvm", "ptx", "cubin"}, true).Default(false))
    return Error{"--emit: expected mlir, llvm, ptx or cubin for --target=nvptx, got '" + options.emit + "'"};
  return Unit();
}

static Expected<Unit> checkOptions(const EmitOptions &options) {
  if (auto checked = checkTarget(options); !checked)
    return checked;
  bool binary = options.emit == "obj" || options.emit == "shared" || options.emit == "cubin";
  if (!llvm::StringSwitch<bool>(options.emit)
           .Cases({"mlir", "llvm", "asm", "obj", "shared", "header", "ptx", "cubin"}, true)
           .Default(false))
    return Error{"--emit: expected mlir, llvm, asm, obj, shared, header, ptx or cubin, got '" + options.emit + "'"};
  if (binary && (options.output.empty() || options.output == "-"))
    return Error{"--emit=" + options.emit + ": expected -o FILE, got none; binary files do not go to standard output"};
  if (options.emit == "shared" && llvm::sys::path::extension(options.output) == ".h")
    return Error{"-o: expected a name for a shared library, such as model.so, got '" + options.output +
                 "'; its header takes the ending .h"};
  if (!options.stage.empty() && options.emit != "mlir")
    return Error{"--stage is for --emit=mlir, got --emit=" + options.emit};
  return Unit();
}

Expected<Unit> mlir::moe::compileToFile(MLIRContext &context, const EmitOptions &options) {
  if (auto checked = checkOptions(options); !checked)
    return checked;
  auto module = loadInput(context, options.input);
  if (!module)
    return module.error();
  if (options.emit == "mlir")
    return emitMLIR(**module, options);
  if (options.target == "nvptx")
    return emitDeviceCode(**module, options);
  if (options.emit != "header")
    return emitCode(**module, options);
  auto header = headerOf(**module, options.output);
  if (!header)
    return inInput(options.input.path, header.error());
  return writeFile(options.output.empty() ? "-" : options.output, *header);
}
