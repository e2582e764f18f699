// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NativeCode.cpp - a target-stage module as LLVM IR, assembly and object code ------------------------===//

#include "moe/Target/NativeCode.h"

#include "moe/Codegen/GPU/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace mlir::moe;

void mlir::moe::registerTargetTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

llvm::Error NativeCode::translate(Operation *op, const TargetSpec &spec) {
  auto created = createTargetMachine(spec);
  if (!created)
    return created.takeError();
  machine = std::move(*created);
  // The module's own verifier is run here rather than by the translation, whose findings would be printed.
  module = translateModuleToLLVMIR(op, context, "moe", /*disableVerification=*/true);
  if (!module)
    return llvm::createStringError("the module has ops that are not of the LLVM dialect; stop at the target stage");
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  std::string fault;
  llvm::raw_string_ostream os(fault);
  if (llvm::verifyModule(*module, &os))
    return llvm::createStringError("generated LLVM IR is malformed: " + fault.substr(0, fault.find('\n')));
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<NativeCode>> NativeCode::create(ModuleOp module) {
  std::unique_ptr<NativeCode> code(new NativeCode());
  if (llvm::Error error = code->translate(module, targetSpecOf(module)))
    return error;
  code->module->setPICLevel(llvm::PICLevel::BigPIC);
  code->finishFunctions();
  code->optimize();
  return code;
}

llvm::Expected<std::unique_ptr<NativeCode>> NativeCode::createDevice(ModuleOp module) {
  auto device = module.lookupSymbol<gpu::GPUModuleOp>(kDeviceModule);
  auto launches = module->getAttrOfType<StringAttr>(kLaunchesAttr);
  auto target = module->getAttrOfType<DictionaryAttr>(kTargetAttr);
  auto chip = target ? target.getAs<StringAttr>("chip") : StringAttr();
  auto features = target ? target.getAs<StringAttr>("features") : StringAttr();
  if (!device || !launches || !chip || !features)
    return llvm::createStringError("expected a module with device kernels and launch records, got none");
  std::unique_ptr<NativeCode> code(new NativeCode());
  TargetSpec spec;
  spec.triple = "nvptx64-nvidia-cuda";
  spec.cpu = chip.getValue().str();
  spec.features = features.getValue().str();
  if (llvm::Error error = code->translate(device, spec))
    return error;
  code->finishFunctions();
  code->optimize();
  llvm::MDNode *record = llvm::MDNode::get(code->context, llvm::MDString::get(code->context, launches.getValue()));
  code->module->getOrInsertNamedMetadata(kLaunchesAttr)->addOperand(record);
  return code;
}

/// Kernels never throw; functions that carry a target of their own keep it.
void NativeCode::finishFunctions() {
  for (llvm::Function &function : *module) {
    function.setDoesNotThrow();
    if (function.isDeclaration())
      continue;
    if (!function.hasFnAttribute("target-cpu"))
      function.addFnAttr("target-cpu", machine->getTargetCPU());
    if (!function.hasFnAttribute("target-features") && !machine->getTargetFeatureString().empty())
      function.addFnAttr("target-features", machine->getTargetFeatureString());
    // A call saves and restores all tiles, so no loop may become one of memset or memcpy where there are any.
    if (function.getFnAttribute("target-features").getValueAsString().contains("+amx-tile"))
      function.addFnAttr("no-builtins");
  }
}

void NativeCode::optimize() {
  // What should be vectors is vectors by now; LLVM's own vectorizers would only tear at the scalar remainders.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.SLPVectorization = false;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine.get(), tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(*module, modules);
}

std::string NativeCode::llvmText() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, nullptr);
  return text;
}

llvm::Error NativeCode::emit(llvm::CodeGenFileType type, llvm::SmallVectorImpl<char> &bytes) const {
  // Code generation rewrites the module it is given.
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module);
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, type))
    return llvm::createStringError("LLVM cannot emit this kind of file for the target");
  passes.run(*copy);
  return llvm::Error::success();
}

llvm::Expected<std::string> NativeCode::assembly() const {
  llvm::SmallVector<char, 0> bytes;
  if (llvm::Error error = emit(llvm::CodeGenFileType::AssemblyFile, bytes))
    return error;
  return std::string(bytes.begin(), bytes.end());
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> NativeCode::object() const {
  llvm::SmallVector<char, 0> bytes;
  if (llvm::Error error = emit(llvm::CodeGenFileType::ObjectFile, bytes))
    return error;
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "moe.o", /*RequiresNullTerminator=*/false);
}
