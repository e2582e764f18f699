// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Ptxas.cpp - PTX to machine code of one chip, by NVIDIA's assembler ---------------------------------===//

#include "moe/Target/Ptxas.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

std::string mlir::moe::findPtxas() {
  if (std::optional<std::string> home = sys::Process::GetEnv("CUDA_HOME")) {
    SmallString<256> path(*home);
    sys::path::append(path, "bin", "ptxas");
    if (sys::fs::can_execute(path))
      return std::string(path);
  }
  if (ErrorOr<std::string> found = sys::findProgramByName("ptxas"))
    return *found;
  return sys::fs::can_execute(MOE_PTXAS) ? MOE_PTXAS : "";
}

static Expected<std::string> readFile(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError("cannot read " + path + ": " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

Expected<mlir::moe::Cubin> mlir::moe::assemblePTX(StringRef ptxas, StringRef ptx, StringRef chip) {
  SmallString<128> source, target, log;
  for (auto [suffix, path] : {std::pair("ptx", &source), std::pair("cubin", &target), std::pair("log", &log)})
    if (std::error_code code = sys::fs::createTemporaryFile("moe", suffix, *path))
      return createStringError("cannot make a temporary file: " + code.message());
  FileRemover removers[] = {FileRemover(source), FileRemover(target), FileRemover(log)};
  std::error_code code;
  {
    raw_fd_ostream os(source, code);
    os << ptx;
  }
  std::string arch = ("-arch=" + chip).str();
  StringRef arguments[] = {ptxas, arch, "-O3", "-v", source, "-o", target};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log), StringRef(log)};
  std::string why;
  int status = sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, /*SecondsToWait=*/300,
                                   /*MemoryLimit=*/0, &why);
  Expected<std::string> report = readFile(log);
  if (!report)
    return report.takeError();
  if (status != 0)
    return createStringError(ptxas + " failed: " + (why.empty() ? StringRef(*report).split('\n').first.str() : why));
  Expected<std::string> bytes = readFile(target);
  if (!bytes)
    return bytes.takeError();
  return Cubin{std::move(*bytes), std::move(*report)};
}
