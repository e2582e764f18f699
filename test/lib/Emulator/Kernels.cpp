// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Kernels.cpp - compiling and launching emulated kernels ---------------------------------------------===//

#include "Block.h"
#include "Emulator.h"
#include "HostModule.h"
#include "Numbers.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <cmath>
#include <mutex>

using namespace llvm;
using namespace moe::emulator;

struct moe::emulator::HostCode {
  HostParts parts;
  std::unique_ptr<orc::LLJIT> jit;
  std::vector<HostKernel> kernels;

  const HostKernel *find(StringRef name) const {
    for (const HostKernel &kernel : kernels)
      if (kernel.name == name)
        return &kernel;
    return nullptr;
  }
};

Kernels::Kernels(std::unique_ptr<HostCode> code) : code(std::move(code)) {}
Kernels::~Kernels() = default;

// What compiled kernels call.
extern "C" void moe_emulator_operation(const Operation *operation, const uint64_t *arguments, char *results,
                                       uint64_t predicate) {
  if (predicate)
    operation->run(*Block::current, arguments, results);
}
extern "C" void moe_emulator_check(const void *address, uint64_t bytes, uint64_t alignment, uint64_t flags) {
  bool write = flags & 1, atomic = flags & 2;
  Block::current->check(address, bytes, uint32_t(alignment), write, atomic,
                        atomic  ? "atomic update"
                        : write ? "store"
                                : "load");
}

/// What processors without an instruction for it call.
static __bf16 truncateToBF16(float value) { return llvm::bit_cast<__bf16>(toBF16(value)); }

static orc::SymbolMap imports(orc::LLJIT &jit) {
  orc::SymbolMap symbols;
  auto add = [&](StringRef name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(function), JITSymbolFlags::Exported};
  };
  add("moe_emulator_operation", &moe_emulator_operation);
  add("moe_emulator_check", &moe_emulator_check);
  add("__truncsfbf2", &truncateToBF16);
  add("__nv_expf", static_cast<float (*)(float)>(&std::exp));
  add("__nv_exp2f", static_cast<float (*)(float)>(&std::exp2));
  add("__nv_logf", static_cast<float (*)(float)>(&std::log));
  add("__nv_log2f", static_cast<float (*)(float)>(&std::log2));
  add("__nv_log1pf", static_cast<float (*)(float)>(&std::log1p));
  add("__nv_tanhf", static_cast<float (*)(float)>(&std::tanh));
  add("__nv_erff", static_cast<float (*)(float)>(&std::erf));
  add("__nv_sqrtf", static_cast<float (*)(float)>(&std::sqrt));
  add("__nv_powf", static_cast<float (*)(float, float)>(&std::pow));
  return symbols;
}

static void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O1).run(module, modules);
}

llvm::Expected<std::unique_ptr<Kernels>> Kernels::load(MemoryBufferRef ir) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseIR(ir, diagnostic, *context);
  if (!module)
    return createStringError(ir.getBufferIdentifier() + ": expected LLVM IR, got: " + diagnostic.getMessage());
  if (!module->getTargetTriple().isNVPTX())
    return createStringError(ir.getBufferIdentifier() + ": expected LLVM IR for nvptx64, got one for '" +
                             module->getTargetTriple().str() + "'");
  auto builder = orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  // The instruction flushes subnormal numbers, which the device does not.
  builder->addFeatures({"-avx512bf16"});
  auto machine = builder->createTargetMachine();
  if (!machine)
    return machine.takeError();
  auto code = std::make_unique<HostCode>();
  module->setTargetTriple((*machine)->getTargetTriple());
  module->setDataLayout((*machine)->createDataLayout());
  if (Error error = makeHostModule(*module, code->parts))
    return std::move(error);
  std::string fault;
  raw_string_ostream os(fault);
  if (verifyModule(*module, &os))
    return createStringError(ir.getBufferIdentifier() + ": malformed after renaming: " + fault);
  optimize(*module, **machine);
  auto jit = orc::LLJITBuilder().setJITTargetMachineBuilder(*builder).create();
  if (!jit)
    return jit.takeError();
  code->jit = std::move(*jit);
  if (Error error = code->jit->getMainJITDylib().define(orc::absoluteSymbols(imports(*code->jit))))
    return std::move(error);
  if (Error error = code->jit->addIRModule(orc::ThreadSafeModule(std::move(module), std::move(context))))
    return std::move(error);
  for (const HostParts::Entry &entry : code->parts.entries) {
    auto address = code->jit->lookup("moe.entry." + entry.name);
    if (!address)
      return address.takeError();
    code->kernels.push_back(
        {entry.name, address->toPtr<void (*)(const void *const *)>(), entry.parameters, entry.staticShared});
  }
  return std::unique_ptr<Kernels>(new Kernels(std::move(code)));
}

std::vector<std::string> Kernels::names() const {
  std::vector<std::string> result;
  for (const HostKernel &kernel : code->kernels)
    result.push_back(kernel.name);
  return result;
}

bool Kernels::has(const std::string &kernel) const { return code->find(kernel) != nullptr; }

unsigned Kernels::parameterCount(const std::string &kernel) const {
  const HostKernel *found = code->find(kernel);
  return found ? found->parameters : 0;
}

const std::string &Kernels::launchRecords() const { return code->parts.launchRecords; }

uint32_t Kernels::staticShared(const std::string &kernel) const {
  const HostKernel *found = code->find(kernel);
  return found ? found->staticShared : 0;
}

llvm::Error Kernels::launch(const Launch &launch, DeviceMemory &memory, const Options &options) const {
  // Fibers, the window of shared memory and the numbers of blocks are of the process.
  static std::mutex lock;
  static uint32_t nextBlock = GlobalCell::firstBlock;
  std::lock_guard<std::mutex> guard(lock);
  const HostKernel *kernel = code->find(launch.kernel);
  if (!kernel)
    return createStringError("there is no kernel '" + launch.kernel + "'");
  if (launch.block.count() == 0 || launch.block.count() > 1024 || launch.grid.count() == 0 ||
      launch.grid.count() > (uint64_t(1) << 31))
    return createStringError("'" + launch.kernel + "': expected blocks of 1 to 1024 threads in a grid that is not " +
                             "empty, got " + Twine(launch.grid.count()) + " blocks of " + Twine(launch.block.count()));
  uint64_t shared = uint64_t(kernel->staticShared) + launch.shared;
  if (shared > SharedWindow::size)
    return createStringError("'" + launch.kernel + "': expected at most " + Twine(SharedWindow::size) +
                             " bytes of shared memory, got " + Twine(shared));
  std::vector<Thread> threads(launch.block.count());
  std::mt19937_64 random(options.seed);
  uint32_t first = nextBlock;
  for (uint64_t i = 0, count = launch.grid.count(); i != count; ++i) {
    // Blocks have no order; the schedule that goes backward begins with the last.
    uint64_t at = options.schedule == Schedule::Backward ? count - 1 - i : i;
    Dim index = {uint32_t(at % launch.grid.x), uint32_t(at / launch.grid.x % launch.grid.y),
                 uint32_t(at / launch.grid.x / launch.grid.y)};
    std::memset(SharedWindow::base(), 0xff, shared);
    Block block(threads, *kernel, launch, uint32_t(shared), {index, launch.grid, launch.block, nextBlock++, first},
                memory, options, random);
    if (std::optional<std::string> finding = block.run())
      return createStringError("'" + launch.kernel + "': " + *finding);
  }
  return Error::success();
}

llvm::Expected<Schedule> moe::emulator::parseSchedule(StringRef text) {
  auto schedule = StringSwitch<std::optional<Schedule>>(text)
                      .Case("forward", Schedule::Forward)
                      .Case("backward", Schedule::Backward)
                      .Case("run-ahead", Schedule::RunAhead)
                      .Case("random", Schedule::Random)
                      .Default(std::nullopt);
  if (!schedule)
    return createStringError("expected a schedule forward, backward, run-ahead or random, got '" + text + "'");
  return *schedule;
}
