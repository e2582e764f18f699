// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Jit.h - object code in this process ----------------------------------------------------------------===//

#ifndef MOE_TARGET_JIT_H
#define MOE_TARGET_JIT_H

#include "moe/Runtime/Runtime.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace llvm::orc {
class LLJIT;
}

namespace mlir::moe {

/// A compiled library in memory: the very object code that would be linked to a file. Code and descriptor live as long
/// as this object; what moe_library_wrap made of them must be gone before.
class JitLibrary {
public:
  static llvm::Expected<std::unique_ptr<JitLibrary>> load(std::unique_ptr<llvm::MemoryBuffer> object);
  ~JitLibrary();

  const moe_library_desc *descriptor() const { return desc; }

private:
  JitLibrary(std::unique_ptr<llvm::orc::LLJIT> jit, const moe_library_desc *desc);

  std::unique_ptr<llvm::orc::LLJIT> jit;
  const moe_library_desc *desc;
};

} // namespace mlir::moe

#endif // MOE_TARGET_JIT_H
