// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SharedLibrary.cpp - object code to a library that needs only libmoe_runtime.so ---------------------===//
//
// The linker is the pinned lld run as a process. As a library it keeps its state in globals, so that two threads cannot
// link at once, and a failure may leave that state unusable; a process has neither problem and costs milliseconds.
//
//===------------------------------------------------------------------------------------------------------===//

#include "moe/Target/SharedLibrary.h"

#include "moe/Runtime/Runtime.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <cstring>
#include <dlfcn.h>

using namespace llvm;

Expected<mlir::moe::Imports> mlir::moe::importsOf(MemoryBufferRef object) {
  static const StringSet<> memory = {"memcpy", "memmove", "memset"};
  static const StringSet<> runtime = {"moe_parallel_for", "moe_pool_threads"};
  auto file = object::ObjectFile::createELFObjectFile(object);
  if (!file)
    return file.takeError();
  StringRef theirs = Triple::getArchTypeName((*file)->getArch());
  StringRef ours = Triple::getArchTypeName(Triple(sys::getProcessTriple()).getArch());
  if (theirs != ours)
    return createStringError("expected code for this machine's architecture, " + ours + ", got code for " + theirs +
                             "; write it with --emit=obj and link it there with libmoe_runtime.so");
  Imports imports;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    if (!flags || !name)
      return joinErrors(flags.takeError(), name.takeError());
    if (!(*flags & object::SymbolRef::SF_Undefined) || name->empty() || runtime.contains(*name))
      continue;
    if (!memory.contains(*name))
      return createStringError("expected kernels that call only moe_parallel_for and moe_pool_threads, got a call of " +
                               *name);
    imports.memoryFunctions = true;
  }
  return imports;
}

/// The file that a function of this process lives in, with links resolved.
static Expected<std::string> fileOf(const char *symbol) {
  void *address = dlsym(RTLD_DEFAULT, symbol);
  Dl_info info;
  SmallString<256> path;
  if (!address || !dladdr(address, &info) || !info.dli_fname || sys::fs::real_path(info.dli_fname, path))
    return createStringError(Twine("cannot find the file that has the symbol ") + symbol +
                             "; reinstall moe-mlir with its libmoe_runtime.so");
  return std::string(path);
}

static Expected<std::string> findLinker() {
  if (sys::fs::can_execute(MOE_LINKER))
    return MOE_LINKER;
  for (StringRef name : {"ld.lld-22", "ld.lld"})
    if (ErrorOr<std::string> found = sys::findProgramByName(name))
      return *found;
  return createStringError("expected the linker " MOE_LINKER " or ld.lld-22 on the PATH, got none; install lld-22");
}

/// Runs the linker, whose messages go to the file `log`.
static Error run(ArrayRef<StringRef> arguments, StringRef log) {
  std::optional<StringRef> redirects[] = {StringRef(), log, log};
  std::string why;
  int status = sys::ExecuteAndWait(arguments.front(), arguments, std::nullopt, redirects, /*SecondsToWait=*/120,
                                   /*MemoryLimit=*/0, &why);
  if (status == 0)
    return Error::success();
  std::string first;
  if (auto text = MemoryBuffer::getFile(log))
    first = (*text)->getBuffer().split('\n').first.str();
  return createStringError("linking failed: " + (why.empty() ? first : why));
}

static Error cannotWrite(StringRef path, std::error_code code) {
  return createStringError("cannot write " + path + ": " + code.message());
}

Error mlir::moe::linkSharedLibrary(MemoryBufferRef object, StringRef path) {
  Expected<Imports> imports = importsOf(object);
  Expected<std::string> runtime = fileOf("moe_parallel_for");
  Expected<std::string> linker = findLinker();
  if (!imports || !runtime || !linker)
    return joinErrors(imports.takeError(), joinErrors(runtime.takeError(), linker.takeError()));

  // Beside the result, so that the last step is a rename within one file system.
  SmallString<256> objectFile, library, log;
  int fd;
  if (std::error_code code = sys::fs::createUniqueFile(path + ".%%%%%%.o", fd, objectFile))
    return cannotWrite(path, code);
  library = log = StringRef(objectFile).drop_back(2);
  library += ".so";
  log += ".log";
  FileRemover removeObject(objectFile), removeLibrary(library), removeLog(log);
  raw_fd_ostream os(fd, /*shouldClose=*/true);
  os << object.getBuffer();
  os.close();
  if (os.has_error()) {
    std::error_code code = os.error();
    os.clear_error();
    return cannotWrite(objectFile, code);
  }

  // Where the runtime is now, and beside the library when both are moved together.
  std::string rpath = ("-rpath=" + sys::path::parent_path(*runtime) + ":$ORIGIN").str();
  SmallVector<StringRef> arguments = {*linker, "-shared", "--no-undefined", "--gc-sections", "--hash-style=gnu",
                                      "-znow", "-zrelro", "-znoexecstack",  rpath,           objectFile,
                                      *runtime};
  std::string libc;
  if (imports->memoryFunctions) {
    // Not found by memcpy, of which a sanitizer's runtime has one of its own.
    Expected<std::string> found = fileOf("gnu_get_libc_version");
    if (!found)
      return found.takeError();
    libc = *found;
    arguments.push_back(libc);
  }
  arguments.append({"-o", library});
  if (Error error = run(arguments, log))
    return error;
  if (std::error_code code = sys::fs::rename(library, path))
    return cannotWrite(path, code);
  return Error::success();
}
