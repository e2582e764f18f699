// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Machine.cpp - LLVM's view of the machine that a module is compiled for -----------------------------===//

#include "moe/Target/Machine.h"

#include "moe/Runtime/Runtime.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace mlir;
using namespace mlir::moe;

/// Less than this is not worth compiling for: without FMA even an exponential would be a call. The host is asked for
/// its architecture only; the name of its CPU says nothing reliable about a virtual machine.
TargetSpec mlir::moe::lowestTargetSpec() {
  if (llvm::Triple(llvm::sys::getProcessTriple()).isAArch64())
    return {"generic", "aarch64-unknown-linux-gnu", "generic", "", 0};
  return {"x86-64-v3", "x86_64-unknown-linux-gnu", "x86-64-v3", "", MOE_CPU_AVX2_FMA};
}

TargetSpec mlir::moe::targetSpecOf(Operation *op) {
  TargetSpec spec = lowestTargetSpec();
  auto target = op->getAttrOfType<DictionaryAttr>(kTargetAttr);
  if (!target)
    return spec;
  auto read = [&](StringRef key, std::string &value) {
    if (auto text = target.getAs<StringAttr>(key))
      value = text.getValue().str();
  };
  read("level", spec.level);
  read("triple", spec.triple);
  read("cpu", spec.cpu);
  read("features", spec.features);
  if (auto required = target.getAs<IntegerAttr>("required"))
    spec.required = required.getValue().getZExtValue();
  return spec;
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> mlir::moe::createTargetMachine(const TargetSpec &spec) {
  static std::once_flag once;
  std::call_once(once, [] {
    // All that this LLVM has: a machine level may be of another architecture than this process.
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
  llvm::Triple triple(spec.triple);
  std::string why;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, why);
  if (!target)
    return llvm::createStringError("LLVM has no code generator for %s: %s", triple.str().c_str(), why.c_str());
  llvm::TargetOptions options;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(triple, spec.cpu, spec.features, options,
                                                                           llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                                           llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return llvm::createStringError("LLVM cannot generate code for %s", triple.str().c_str());
  return machine;
}
