// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Dump.cpp - a folder with one readable file for each stage ------------------------------------------===//

#include "moe/Driver/Dump.h"

#include "moe/Driver/Cost.h"
#include "moe/Driver/Emit.h"
#include "moe/Target/Jit.h"
#include "moe/Target/Ptxas.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

Expected<Unit> StageDumper::open() {
  std::error_code code = llvm::sys::fs::create_directories(folder);
  if (!code && !llvm::sys::fs::is_directory(folder))
    code = std::make_error_code(std::errc::not_a_directory);
  if (code)
    return Error{"--dump-stages: " + folder + ": expected a folder that can be made, got: " + code.message()};
  return Unit();
}

Expected<Unit> StageDumper::write(StringRef name, StringRef text) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, name);
  auto written = writeFile(path, text);
  if (!written)
    return Error{"--dump-stages: " + written.message()};
  return written;
}

Expected<Unit> StageDumper::dumpStage(ModuleOp module, Stage stage) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  return write(std::to_string(int(stage) + 1) + "-" + stageName(stage).str() + ".mlir", text);
}

Expected<Unit> StageDumper::dumpCode(const NativeCode &code) {
  if (auto done = write("5-target.ll", code.llvmText()); !done)
    return done;
  auto assembly = code.assembly();
  if (!assembly)
    return toError(assembly.takeError());
  if (auto done = write("kernel.s", *assembly); !done)
    return done;
  // What the library says of itself is read from it, not from the IR that it came from.
  auto object = code.object();
  if (!object)
    return toError(object.takeError());
  auto library = JitLibrary::load(std::move(*object));
  if (!library)
    return toError(library.takeError());
  return write("summary.txt", summaryText(*(*library)->descriptor()));
}

/// Registers, spills and shared memory of each kernel are the summary, where ptxas is there to tell them.
Expected<Unit> StageDumper::dumpDeviceCode(const NativeCode &code, StringRef chip) {
  if (auto done = write("5-target.ll", code.llvmText()); !done)
    return done;
  auto assembly = code.assembly();
  if (!assembly)
    return toError(assembly.takeError());
  if (auto done = write("kernel.ptx", *assembly); !done)
    return done;
  std::string ptxas = findPtxas();
  if (ptxas.empty())
    return write("summary.txt", "ptxas was not found: registers and shared memory are not known\n");
  auto cubin = assemblePTX(ptxas, *assembly, chip);
  if (!cubin)
    return toError(cubin.takeError());
  return write("summary.txt", cubin->report);
}
