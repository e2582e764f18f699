// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SharedLibrary.h - object code to a library that needs only libmoe_runtime.so -----------------------===//

#ifndef MOE_TARGET_SHAREDLIBRARY_H
#define MOE_TARGET_SHAREDLIBRARY_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <string>
#include <vector>

namespace mlir::moe {

/// What object code for this process's architecture wants from others. Anything but the runtime's one symbol and the C
/// library's memory functions is an error: kernels call nothing else.
struct Imports {
  bool memoryFunctions = false; ///< memcpy, memmove, memset
};
llvm::Expected<Imports> importsOf(llvm::MemoryBufferRef object);

/// Links `object` to a shared library at `path`, which is replaced in one step when all has gone well.
llvm::Error linkSharedLibrary(llvm::MemoryBufferRef object, llvm::StringRef path);

} // namespace mlir::moe

#endif // MOE_TARGET_SHAREDLIBRARY_H
