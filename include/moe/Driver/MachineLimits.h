// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MachineLimits.h - what this machine could do at best, measured -------------------------------------===//

#ifndef MOE_DRIVER_MACHINELIMITS_H
#define MOE_DRIVER_MACHINELIMITS_H

#include "moe/Runtime/Runtime.h"

namespace mlir::moe {

struct MachineLimits {
  double readBytesPerSecond = 0; ///< all threads reading memory that no cache holds
  double fmaFlopsPerSecond = 0;  ///< all threads multiplying and adding f32 in registers

  /// Takes about a second and half a gigabyte.
  static MachineLimits measure(moe_pool *pool);
};

} // namespace mlir::moe

#endif // MOE_DRIVER_MACHINELIMITS_H
