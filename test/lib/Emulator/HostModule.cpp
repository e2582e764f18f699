// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- HostModule.cpp - from LLVM IR for NVPTX to LLVM IR for this machine --------------------------------===//

#include "HostModule.h"

#include "Memory.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ReplaceConstant.h"
#include "llvm/Support/Regex.h"

using namespace llvm;
using namespace moe::emulator;

namespace {
class HostModuleMaker {
public:
  HostModuleMaker(Module &module, HostParts &parts)
      : module(module), parts(parts), i64(Type::getInt64Ty(module.getContext())),
        pointer(PointerType::get(module.getContext(), 0)) {}
  Error make();

private:
  void placeShared();
  uint32_t placeShared(ArrayRef<GlobalVariable *> variables, function_ref<bool(Function *)> isUser);
  Error replaceCalls(Function &function);
  void addChecks(Function &function);
  void addEntry(Function &kernel);
  Error replace(CallBase &call, const std::string &name, AllocaInst *arguments, AllocaInst *results);

  Module &module;
  HostParts &parts;
  Type *i64, *pointer;
  DenseMap<Function *, uint32_t> staticShared;
};
} // namespace

static constexpr unsigned sharedSpace = 3;
/// Bytes between variables in shared memory that belong to none.
static constexpr uint32_t guard = 64;

/// The variables that `functions` use get addresses, the dynamic one behind all others. Returns the bytes below that.
uint32_t HostModuleMaker::placeShared(ArrayRef<GlobalVariable *> variables, function_ref<bool(Function *)> isUser) {
  uint32_t next = 0;
  auto place = [&](GlobalVariable &variable, uint32_t size) {
    auto uses = [&](const Use &use) {
      auto *user = dyn_cast<Instruction>(use.getUser());
      return user && isUser(user->getFunction());
    };
    if (none_of(variable.uses(), uses))
      return;
    uint32_t alignment = uint32_t(variable.getAlign().valueOrOne().value());
    next = uint32_t(alignTo(next, std::max(alignment, 16u)));
    Constant *address = ConstantInt::get(i64, reinterpret_cast<uintptr_t>(SharedWindow::base()) + next);
    variable.replaceUsesWithIf(ConstantExpr::getIntToPtr(address, variable.getType()),
                               [&](Use &use) { return uses(use); });
    next += size;
  };
  for (GlobalVariable *variable : variables)
    if (!variable->isDeclaration())
      place(*variable, uint32_t(module.getDataLayout().getTypeAllocSize(variable->getValueType())) + guard);
  // A launch says how much dynamic shared memory there is; several such variables are one.
  uint32_t dynamic = uint32_t(alignTo(next, 1024));
  for (GlobalVariable *variable : variables)
    if (variable->isDeclaration()) {
      next = dynamic;
      place(*variable, 0);
    }
  return next;
}

/// A kernel has shared memory of its own; where functions that it calls use some, all kernels have the same.
void HostModuleMaker::placeShared() {
  SmallVector<GlobalVariable *> variables;
  SmallVector<Constant *> constants;
  for (GlobalVariable &variable : module.globals())
    if (variable.getAddressSpace() == sharedSpace) {
      variables.push_back(&variable);
      constants.push_back(&variable);
    }
  convertUsersOfConstantsToInstructions(constants);
  bool ofKernelsAlone = true;
  for (GlobalVariable *variable : variables)
    for (User *user : variable->users())
      if (auto *instruction = dyn_cast<Instruction>(user))
        ofKernelsAlone &= instruction->getFunction()->getCallingConv() == CallingConv::PTX_Kernel;
  uint32_t ofAll = ofKernelsAlone ? 0 : placeShared(variables, [](Function *) { return true; });
  for (Function &kernel : module)
    if (!kernel.isDeclaration() && kernel.getCallingConv() == CallingConv::PTX_Kernel)
      staticShared[&kernel] =
          ofKernelsAlone ? placeShared(variables, [&](Function *user) { return user == &kernel; }) : ofAll;
  for (GlobalVariable *variable : variables) {
    variable->replaceAllUsesWith(PoisonValue::get(variable->getType())); // what is left is never run
    variable->eraseFromParent();
  }
}

/// "mbarrier.try_wait.parity.shared.b64" of a text that begins with "{\n\t.reg .pred P1;": the first opcode that is not
/// about predicates.
static std::string opcodeOf(StringRef text) {
  Regex opcode("^[a-z][a-z0-9_]*([.:]+[a-zA-Z0-9_]+)+$");
  SmallVector<StringRef> words;
  SplitString(text, words, " \t\n;");
  for (StringRef word : words) {
    word = word.trim(" \t\n;{},");
    if (word.starts_with("\\"))
      continue;
    if (opcode.match(word) && !word.starts_with("setp") && !word.starts_with("bra"))
      return word.str();
  }
  return text.str();
}

/// The name an operation is known by: of an intrinsic without "llvm.nvvm.", of an opcode as it is.
static std::string operationName(const CallBase &call) {
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand()))
    return assembly->getAsmString().empty() ? "" : opcodeOf(assembly->getAsmString());
  const Function *callee = call.getCalledFunction();
  if (callee && callee->getName().starts_with("llvm.nvvm."))
    return callee->getName().drop_front(strlen("llvm.nvvm.")).str();
  return "";
}

/// Whether the text of an inline assembly begins with "@$N": N is the operand that says whether it happens at all.
static std::optional<unsigned> predicateOf(const CallBase &call) {
  auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand());
  StringRef text = assembly ? StringRef(assembly->getAsmString()).ltrim(" \t\n{") : "";
  unsigned operand;
  if (!text.consume_front("@$") || text.consumeInteger(10, operand))
    return std::nullopt;
  return operand;
}

/// Operations take the inputs of an inline assembly in the order of the call, so the text must name them in that order,
/// and write no number itself.
static bool namesOperandsInOrder(const CallBase &call) {
  auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand());
  if (!assembly || StringRef(assembly->getAsmString()).ltrim().starts_with("{"))
    return true; // of several instructions: those of MLIR's NVVM dialect
  StringRef text = StringRef(assembly->getAsmString()).split(' ').second;
  int last = -1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$') {
      int operand;
      StringRef digits = text.substr(i + 1).take_while(isDigit);
      if (digits.getAsInteger(10, operand) || operand < last)
        return false;
      last = operand;
      i += digits.size();
    } else if (isDigit(text[i]) && !isAlnum(text[i - 1])) {
      return false;
    }
  }
  return true;
}

Error HostModuleMaker::replace(CallBase &call, const std::string &name, AllocaInst *arguments, AllocaInst *results) {
  std::unique_ptr<Operation> operation = makeOperation(name);
  if (!operation)
    return createStringError("the emulator does not know '" + name + "' in function '" + call.getFunction()->getName() +
                             "'");
  if (!predicateOf(call) && !namesOperandsInOrder(call))
    return createStringError("the emulator wants the operands of '" + name + "' in the order of the assembly's, and " +
                             "numbers as operands");
  // All calls of one name share an operation, so that lanes meet at it.
  Operation *known = nullptr;
  for (const auto &other : parts.operations)
    if (other->name() == name)
      known = other.get();
  if (!known) {
    known = operation.get();
    parts.operations.push_back(std::move(operation));
  }
  IRBuilder<> builder(&call);
  for (unsigned i = 0; i != call.arg_size(); ++i) {
    Value *slot = builder.CreateConstGEP1_64(i64, arguments, i);
    Value *argument = call.getArgOperand(i);
    if (argument->getType()->isIntegerTy() && argument->getType()->getIntegerBitWidth() < 64)
      argument = builder.CreateZExt(argument, i64); // addresses of shared memory may come as 32 bits
    builder.CreateStore(argument, slot);
  }
  Value *self = ConstantExpr::getIntToPtr(ConstantInt::get(i64, reinterpret_cast<uintptr_t>(known)), pointer);
  Value *predicate = ConstantInt::getTrue(module.getContext());
  if (std::optional<unsigned> operand = predicateOf(call)) {
    unsigned index = *operand; // outputs come first in the numbering, and such texts have none
    if (index >= call.arg_size())
      return createStringError("the emulator does not understand the predicate of '" + name + "'");
    Value *given = call.getArgOperand(index);
    predicate = given->getType()->isIntegerTy(1) ? given : builder.CreateIsNotNull(given);
  }
  FunctionCallee callee = module.getOrInsertFunction("moe_emulator_operation", Type::getVoidTy(module.getContext()),
                                                     pointer, pointer, pointer, i64);
  builder.CreateCall(callee, {self, arguments, results, builder.CreateZExt(predicate, i64)});
  if (!call.getType()->isVoidTy())
    call.replaceAllUsesWith(builder.CreateLoad(call.getType(), results));
  return Error::success();
}

Error HostModuleMaker::replaceCalls(Function &function) {
  SmallVector<std::pair<CallBase *, std::string>> calls;
  uint64_t mostArguments = 1, mostResults = 8;
  for (Instruction &instruction : instructions(function)) {
    auto *call = dyn_cast<CallBase>(&instruction);
    if (!call)
      continue;
    if (isa<InlineAsm>(call->getCalledOperand()) || !operationName(*call).empty()) {
      calls.push_back({call, operationName(*call)});
      mostArguments = std::max<uint64_t>(mostArguments, call->arg_size());
      if (!call->getType()->isVoidTy())
        mostResults = std::max<uint64_t>(mostResults, module.getDataLayout().getTypeAllocSize(call->getType()));
    }
  }
  if (calls.empty())
    return Error::success();
  IRBuilder<> builder(&*function.getEntryBlock().getFirstInsertionPt());
  auto *arguments = builder.CreateAlloca(ArrayType::get(i64, mostArguments));
  auto *results = builder.CreateAlloca(ArrayType::get(i64, (mostResults + 7) / 8 + 1));
  for (auto &[call, name] : calls) {
    if (!name.empty())
      if (Error error = replace(*call, name, arguments, results))
        return error;
    call->eraseFromParent();
  }
  return Error::success();
}

/// Memory that only its own thread knows, or constants of the module.
static bool needsNoCheck(const Value *address) {
  const Value *object = getUnderlyingObject(address, 16);
  return isa<AllocaInst>(object) || isa<GlobalVariable>(object) ||
         (isa<Argument>(object) && cast<Argument>(object)->hasByValAttr());
}

void HostModuleMaker::addChecks(Function &function) {
  SmallVector<Instruction *> accesses;
  for (Instruction &instruction : instructions(function))
    if (isa<LoadInst, StoreInst, AtomicRMWInst, AtomicCmpXchgInst, MemIntrinsic>(instruction))
      accesses.push_back(&instruction);
  FunctionCallee check =
      module.getOrInsertFunction("moe_emulator_check", Type::getVoidTy(module.getContext()), pointer, i64, i64, i64);
  for (Instruction *access : accesses) {
    IRBuilder<> builder(access);
    auto add = [&](Value *address, Value *bytes, uint64_t alignment, bool write, bool atomic) {
      if (needsNoCheck(address))
        return;
      builder.CreateCall(check, {builder.CreateAddrSpaceCast(address, pointer), bytes, builder.getInt64(alignment),
                                 builder.getInt64(uint64_t(write) | uint64_t(atomic) << 1)});
    };
    if (auto *copy = dyn_cast<MemIntrinsic>(access)) {
      Value *bytes = builder.CreateZExtOrTrunc(copy->getLength(), i64);
      add(copy->getRawDest(), bytes, copy->getDestAlign().valueOrOne().value(), true, false);
      if (auto *transfer = dyn_cast<MemTransferInst>(copy))
        add(transfer->getRawSource(), bytes, transfer->getSourceAlign().valueOrOne().value(), false, false);
      continue;
    }
    const DataLayout &layout = module.getDataLayout();
    auto bytes = [&](Type *type) { return builder.getInt64(layout.getTypeStoreSize(type)); };
    if (auto *load = dyn_cast<LoadInst>(access))
      add(load->getPointerOperand(), bytes(load->getType()), load->getAlign().value(), false, load->isAtomic());
    if (auto *store = dyn_cast<StoreInst>(access))
      add(store->getPointerOperand(), bytes(store->getValueOperand()->getType()), store->getAlign().value(), true,
          store->isAtomic());
    if (auto *update = dyn_cast<AtomicRMWInst>(access))
      add(update->getPointerOperand(), bytes(update->getType()), update->getAlign().value(), true, true);
    if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(access))
      add(exchange->getPointerOperand(), bytes(exchange->getNewValOperand()->getType()), exchange->getAlign().value(),
          true, true);
  }
}

/// void moe.entry.NAME(ptr parameters): calls the kernel with what the addresses in `parameters` point to.
void HostModuleMaker::addEntry(Function &kernel) {
  auto *type = FunctionType::get(Type::getVoidTy(module.getContext()), {pointer}, false);
  Function *entry = Function::Create(type, Function::ExternalLinkage, "moe.entry." + kernel.getName(), module);
  IRBuilder<> builder(BasicBlock::Create(module.getContext(), "", entry));
  SmallVector<Value *> arguments;
  for (Argument &argument : kernel.args()) {
    Value *place = builder.CreateConstGEP1_64(pointer, entry->getArg(0), argument.getArgNo());
    Value *address = builder.CreateLoad(pointer, place);
    arguments.push_back(argument.hasByValAttr() ? address : builder.CreateLoad(argument.getType(), address));
  }
  for (Argument &argument : kernel.args())
    argument.removeAttr(Attribute::ByVal); // given by address: kernels do not write their parameters
  builder.CreateCall(&kernel, arguments);
  builder.CreateRetVoid();
  parts.entries.push_back({kernel.getName().str(), unsigned(kernel.arg_size()), staticShared.lookup(&kernel)});
}

Error HostModuleMaker::make() {
  if (NamedMDNode *records = module.getNamedMetadata("moe.launches")) {
    if (records->getNumOperands() == 1 && records->getOperand(0)->getNumOperands() == 1)
      if (auto *text = dyn_cast<MDString>(records->getOperand(0)->getOperand(0)))
        parts.launchRecords = text->getString().str();
    records->eraseFromParent();
  }
  placeShared();
  SmallVector<Function *> kernels;
  for (Function &function : module)
    if (!function.isDeclaration()) {
      if (Error error = replaceCalls(function))
        return error;
      addChecks(function);
      if (function.getCallingConv() == CallingConv::PTX_Kernel)
        kernels.push_back(&function);
      function.setCallingConv(CallingConv::C);
    }
  for (Function &function : module) {
    for (StringRef attribute : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(attribute);
    function.removeFnAttr(Attribute::Memory); // calls of the emulator touch memory
    function.removeFnAttr(Attribute::NoSync);
    for (Argument &argument : function.args())
      for (Attribute::AttrKind kind :
           {Attribute::ReadNone, Attribute::ReadOnly, Attribute::WriteOnly, Attribute::NoAlias, Attribute::Captures})
        argument.removeAttr(kind);
  }
  for (Function *kernel : kernels) {
    kernel->setLinkage(GlobalValue::InternalLinkage);
    addEntry(*kernel);
  }
  if (kernels.empty())
    return createStringError("expected LLVM IR with kernels (calling convention ptx_kernel), got none");
  for (Function &function : make_early_inc_range(module))
    if (function.isDeclaration() && function.use_empty())
      function.eraseFromParent();
  return Error::success();
}

Error moe::emulator::makeHostModule(Module &module, HostParts &parts) { return HostModuleMaker(module, parts).make(); }
