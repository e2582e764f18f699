// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weight operands in memory: found in a checkpoint (or drawn at random), converted, packed.
#ifndef MOE_LIB_RUNTIME_CPU_WEIGHTS_H
#define MOE_LIB_RUNTIME_CPU_WEIGHTS_H

#include "Memory.h"
#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Runtime/Runtime.h"

#include <vector>

namespace moe {

struct PackedWeight {
  Block memory;
  std::vector<const void *> experts; ///< the pointer table
};

/// Where weights come from: a checkpoint, or a seed when `checkpoint` is null.
struct WeightSource {
  const Checkpoint *checkpoint;
  uint64_t seed;
};

/// `layer` is for messages. Uses `pool` to pack several experts at once.
moe_status loadWeight(const moe_weight_desc &weight, const char *layer, const WeightSource &source, moe_pool *pool,
                      PackedWeight &result);

/// Elements [first, first + count) of a random matrix with `cols` columns, row after row. `key` stands for the matrix.
void randomElements(uint64_t key, int64_t cols, int64_t first, int64_t count, float *values);

/// The key of one expert's matrix. It depends on the checkpoint name rather than on the operand, so that variants which
/// combine sources differently draw the same weights.
uint64_t randomKey(uint64_t seed, const char *name, int64_t expert);

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_WEIGHTS_H
