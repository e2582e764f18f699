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

static bool onArm() { return llvm::Triple(llvm::sys::getProcessTriple()).isAArch64(); }

/// Less than this is not worth compiling for: without FMA even an exponential would be a call.
static TargetSpec lowestSpec() {
  if (onArm())
    return {"generic", "", 0};
  return {"x86-64-v3", "+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe", MOE_CPU_AVX2_FMA};
}

TargetSpec mlir::moe::targetSpecOf(ModuleOp module) {
  TargetSpec spec = lowestSpec();
  auto target = module->getAttrOfType<DictionaryAttr>(kTargetAttr);
  if (!target)
    return spec;
  if (auto level = target.getAs<StringAttr>("level"))
    spec.level = level.getValue().str();
  if (auto features = target.getAs<StringAttr>("features"))
    spec.features = features.getValue().str();
  if (auto required = target.getAs<IntegerAttr>("required"))
    spec.required = required.getValue().getZExtValue();
  return spec;
}

/// LLVM's CPU sets scheduling and the baseline of features. It follows from the features asked for; the name of the
/// host's CPU says nothing reliable about a virtual machine.
static StringRef cpuFor(const llvm::Triple &triple, StringRef features) {
  if (!triple.isX86())
    return "generic";
  SmallVector<StringRef> list;
  features.split(list, ',');
  if (llvm::is_contained(list, "+avx512f"))
    return "x86-64-v4";
  return llvm::is_contained(list, "+avx2") ? "x86-64-v3" : "x86-64";
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> mlir::moe::createTargetMachine(const TargetSpec &spec) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
  });
  llvm::Triple triple(onArm() ? "aarch64-unknown-linux-gnu" : "x86_64-unknown-linux-gnu");
  std::string why;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, why);
  if (!target)
    return llvm::createStringError("LLVM has no code generator for %s: %s", triple.str().c_str(), why.c_str());
  llvm::TargetOptions options;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, cpuFor(triple, spec.features), spec.features, options, llvm::Reloc::PIC_,
                                  llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return llvm::createStringError("LLVM cannot generate code for %s", triple.str().c_str());
  return machine;
}
