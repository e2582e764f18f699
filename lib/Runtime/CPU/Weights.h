// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weight operands in memory: found in a checkpoint (or drawn at random), converted, packed.
#ifndef MOE_LIB_RUNTIME_CPU_WEIGHTS_H
#define MOE_LIB_RUNTIME_CPU_WEIGHTS_H

#include "Memory.h"
#include "Progress.h"
#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Runtime/Runtime.h"

#include <vector>

namespace moe {

struct PackedWeight {
  Block memory;                      ///< empty when the weight lies elsewhere
  std::vector<const void *> experts; ///< the pointer table
};

/// How much memory a packed weight takes: places of equal size, one for each expert that is loaded (at least one), or
/// for every expert of a plain weight.
struct WeightPlaces {
  int64_t bytes; ///< of a place
  int64_t count;

  int64_t allBytes() const { return bytes * count; }
};

/// Of a weight whose descriptor has been checked.
WeightPlaces placesOf(const moe_weight_desc &weight);

/// Fills the pointer table for a weight that lies at `start`.
void pointAtExperts(const moe_weight_desc &weight, const char *start, PackedWeight &result);

/// Where weights come from: a checkpoint, or a seed when `checkpoint` is null.
struct WeightSource {
  const Checkpoint *checkpoint;
  uint64_t seed;
};

/// `layer` is for messages. Uses `pool` to pack several experts at once. `progress` gets all bytes of the places.
moe_status loadWeight(const moe_weight_desc &weight, const char *layer, const WeightSource &source, moe_pool *pool,
                      Progress &progress, PackedWeight &result);

/// Elements [first, first + count) of a random matrix with `cols` columns, row after row. `key` stands for the matrix.
void randomElements(uint64_t key, int64_t cols, int64_t first, int64_t count, float *values);

/// The key of one expert's matrix. It depends on the checkpoint name rather than on the operand, so that variants which
/// combine sources differently draw the same weights.
uint64_t randomKey(uint64_t seed, const char *name, int64_t expert);

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_WEIGHTS_H
