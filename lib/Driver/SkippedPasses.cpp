// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SkippedPasses.cpp - passes left out, to see what each brings ---------------------------------------===//

#include "moe/Driver/SkippedPasses.h"

#include "mlir/IR/Action.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::Error;

SkippedPasses::SkippedPasses(MLIRContext *context, const std::vector<std::string> &skipped)
    : context(context), names(skipped.begin(), skipped.end()) {
  if (names.empty())
    return;
  context->registerActionHandler([this](llvm::function_ref<void()> run, const tracing::Action &action) {
    auto *execution = llvm::dyn_cast<PassExecutionAction>(&action);
    std::string name = execution ? execution->getPass().getArgument().str() : "";
    if (!names.count(name))
      return run();
    std::lock_guard<std::mutex> lock(mutex);
    met.insert(name);
  });
}

SkippedPasses::~SkippedPasses() {
  if (!names.empty())
    context->registerActionHandler(nullptr);
}

Expected<Unit> SkippedPasses::check() const {
  for (const std::string &name : names)
    if (!met.count(name))
      return Error{"--without-pass=" + name +
                   ": expected the name of a pass on the way to that stage, such as "
                   "moe-prefetch-panels (see moe-opt --help); none of that name ran"};
  return Unit();
}
