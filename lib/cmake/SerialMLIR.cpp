// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SerialMLIR.cpp - one thread for MLIR under ThreadSanitizer -----------------------------------------===//
//
// ThreadSanitizer sees the atomics and the memory of code that was compiled for it, and the LLVM that we build against
// was not: it would take what orders MLIR's threads for nothing, and report races between them, or between our passes
// on them. Executables of such a build therefore run passes on one thread. The threads of the runtime, which is ours
// and instrumented, stay as they are.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"

namespace {

struct SerialMLIR {
  SerialMLIR() {
    mlir::registerMLIRContextCLOptions();
    constexpr const char *name = "mlir-disable-threading";
    llvm::cl::Option *option = llvm::cl::getRegisteredOptions().lookup(name);
    // A test may say it again.
    option->setNumOccurrencesFlag(llvm::cl::ZeroOrMore);
    option->addOccurrence(/*pos=*/0, name, "true");
  }
};

const SerialMLIR serial;

} // namespace
