// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Status.h - errors of the compiler as statuses of C -------------------------------------------------===//

#ifndef MOE_LIB_CAPI_STATUS_H
#define MOE_LIB_CAPI_STATUS_H

#include "moe-c/Compiler.h"
#include "moe/Checkpoint/Expected.h"

#include <string>

namespace mlir::moe {

/// Keeps the message for moe_compiler_last_error.
moe_status failure(const ::moe::Error &error, moe_status status = MOE_INVALID_ARGUMENT);

/// A copy for the caller, or an error.
moe_status giveText(const ::moe::Expected<std::string> &text, char **result);

} // namespace mlir::moe

#endif // MOE_LIB_CAPI_STATUS_H
