// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Jit.cpp - object code in this process --------------------------------------------------------------===//

#include "moe/Target/Jit.h"

#include "moe/Target/Machine.h"
#include "moe/Target/SharedLibrary.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

#include <cstring>

using namespace llvm;
using namespace llvm::orc;
using mlir::moe::JitLibrary;

JitLibrary::JitLibrary(std::unique_ptr<LLJIT> jit, const moe_library_desc *desc) : jit(std::move(jit)), desc(desc) {}
JitLibrary::~JitLibrary() = default;

/// The symbols that generated code may use, and no other of this process.
static SymbolMap imports(LLJIT &jit) {
  SymbolMap symbols;
  auto add = [&](StringRef name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {ExecutorAddr::fromPtr(function), JITSymbolFlags::Exported};
  };
  add("moe_parallel_for", &moe_parallel_for);
  add("moe_pool_threads", &moe_pool_threads);
  add("memcpy", static_cast<void *(*)(void *, const void *, size_t)>(&std::memcpy));
  add("memmove", static_cast<void *(*)(void *, const void *, size_t)>(&std::memmove));
  add("memset", static_cast<void *(*)(void *, int, size_t)>(&std::memset));
  return symbols;
}

Expected<std::unique_ptr<JitLibrary>> JitLibrary::load(std::unique_ptr<MemoryBuffer> object) {
  // Checked as for a shared library, so that both ways fail alike.
  if (auto checked = importsOf(object->getMemBufferRef()); !checked)
    return checked.takeError();
  auto machine = createTargetMachine(lowestTargetSpec());
  if (!machine)
    return machine.takeError();
  // Nothing is compiled here; the builder only wants to know what kind of machine this is.
  auto jit = LLJITBuilder()
                 .setJITTargetMachineBuilder(JITTargetMachineBuilder((*machine)->getTargetTriple()))
                 .setDataLayout((*machine)->createDataLayout())
                 .setLinkProcessSymbolsByDefault(false)
                 .setPlatformSetUp(setUpInactivePlatform)
                 .create();
  if (!jit)
    return jit.takeError();
  JITDylib &main = (*jit)->getMainJITDylib();
  if (Error error = main.define(absoluteSymbols(imports(**jit))))
    return error;
  if (Error error = (*jit)->addObjectFile(std::move(object)))
    return error;
  auto door = (*jit)->lookup(MOE_LIBRARY_SYMBOL);
  if (!door)
    return door.takeError();
  const moe_library_desc *desc = door->toPtr<moe_library_fn>()();
  return std::unique_ptr<JitLibrary>(new JitLibrary(std::move(*jit), desc));
}
