// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- HostModule.h - from LLVM IR for NVPTX to LLVM IR for this machine ----------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_HOSTMODULE_H
#define MOE_TEST_LIB_EMULATOR_HOSTMODULE_H

#include "Operation.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace moe::emulator {

/// What the module calls, which must live as long as its code, and where its shared memory is.
struct HostParts {
  struct Entry {
    std::string name;
    unsigned parameters;
    uint32_t staticShared; ///< bytes
  };
  std::vector<Entry> entries; ///< a function "moe.entry.NAME" each
  std::vector<std::unique_ptr<Operation>> operations;
  std::string launchRecords;
};

/// Intrinsics of NVVM and inline PTX become calls of `moe_emulator_operation`, memory accesses are preceded by calls of
/// `moe_emulator_check`, variables in shared memory get fixed addresses. Target and data layout are the caller's.
llvm::Error makeHostModule(llvm::Module &module, HostParts &parts);

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_HOSTMODULE_H
