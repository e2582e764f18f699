// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the index of a sharded checkpoint. Its file names are data from outside: only plain names of *.safetensors
// files are let through, so that no entry can point out of the folder.
#include "ShardIndex.h"

#include "moe/Checkpoint/File.h"
#include "moe/Checkpoint/Json.h"
#include "moe/Checkpoint/SafeTensors.h"
#include "moe/Checkpoint/Text.h"

#include <algorithm>

using namespace moe;

// Each shard is an open file while the checkpoint is in use; the largest known models have under 200.
static constexpr size_t maxShards = 1000;

static bool isPlainFileName(std::string_view name) {
  constexpr std::string_view suffix = ".safetensors";
  if (name.size() <= suffix.size() || name.size() > 255 || name.front() == '.' ||
      name.substr(name.size() - suffix.size()) != suffix)
    return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return c >= 0x20 && c != 0x7f && c != '/' && c != '\\'; });
}

Expected<ShardIndex> moe::readShardIndex(const std::string &path, const std::string &name) {
  auto fail = [&](const std::string &what) { return Error{name + ": " + what}; };
  Expected<std::string> text = readTextFile(path, maxHeaderBytes);
  if (!text)
    return text.error();
  Expected<JsonValue> json = parseJson(*text, name);
  if (!json)
    return json.error();
  const JsonValue *map = json->find("weight_map");
  if (!map || !map->isObject())
    return fail("expected an object weight_map from tensors to files, got " + (map                ? map->inWords()
                                                                               : json->isObject() ? std::string("none")
                                                                                                  : json->inWords()));
  if (map->members().empty())
    return fail("weight_map names no tensor");
  if (map->members().size() > maxTensors)
    return fail("weight_map names more than " + std::to_string(maxTensors) + " tensors");

  std::vector<std::string> files; // one for each member
  for (const auto &[tensor, file] : map->members()) {
    Expected<std::string> shard = file.asString();
    if (!shard)
      return fail("weight_map, tensor " + quote(tensor) + ": " + shard.message());
    if (!isPlainFileName(*shard))
      return fail("weight_map, tensor " + quote(tensor) +
                  ": expected the name of a *.safetensors file in the folder, got " + quote(*shard));
    files.push_back(std::move(*shard));
  }

  ShardIndex index;
  index.shards = files;
  std::sort(index.shards.begin(), index.shards.end());
  index.shards.erase(std::unique(index.shards.begin(), index.shards.end()), index.shards.end());
  if (index.shards.size() > maxShards)
    return fail("weight_map names " + std::to_string(index.shards.size()) + " files, expected at most " +
                std::to_string(maxShards));
  for (size_t i = 0; i < files.size(); ++i) {
    auto shard = std::lower_bound(index.shards.begin(), index.shards.end(), files[i]);
    index.tensors.emplace_back(map->members()[i].first, size_t(shard - index.shards.begin()));
  }
  return index;
}
