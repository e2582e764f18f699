// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BufferEffects.h - which buffers an op reads and writes ---------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_COMMON_BUFFEREFFECTS_H
#define MOE_LIB_CODEGEN_COMMON_BUFFEREFFECTS_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::moe {

/// Buffers are known by the value that they start at: an allocation, an argument of the function, an address of
/// weights. Arguments are taken to be different memory, as the ABI says; weights are never written.
struct BufferEffects {
  llvm::DenseSet<Value> reads, writes;
  Operation *unknown = nullptr; ///< an op whose effects cannot be told

  /// Adds what `op` and the ops in it do to buffers that are not made inside `op`.
  void add(Operation *op);

  /// Whether both may run in any order, or at once.
  bool isIndependentOf(const BufferEffects &other) const;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_COMMON_BUFFEREFFECTS_H
