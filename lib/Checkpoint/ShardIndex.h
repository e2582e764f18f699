// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// model.safetensors.index.json: which shard holds which tensor.
#ifndef MOE_LIB_CHECKPOINT_SHARDINDEX_H
#define MOE_LIB_CHECKPOINT_SHARDINDEX_H

#include "moe/Checkpoint/Expected.h"

#include <string>
#include <utility>
#include <vector>

namespace moe {

struct ShardIndex {
  std::vector<std::string> shards;                     // plain file names, sorted, each once
  std::vector<std::pair<std::string, size_t>> tensors; // name, index into shards
};

/// Reads and checks an index; `name` stands for it in messages. That the shards exist is not looked at.
Expected<ShardIndex> readShardIndex(const std::string &path, const std::string &name);

} // namespace moe

#endif // MOE_LIB_CHECKPOINT_SHARDINDEX_H
