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
#include <map>

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

namespace {

/// Takes {"weight_map": {TENSOR: FILE, ...}, ...} and skips whatever else is there.
class IndexHandler : public JsonHandler {
public:
  bool null() override { return value("null"); }
  bool boolean(bool flag) override { return value(flag ? "true" : "false"); }
  bool integer(int64_t number) override { return value(std::to_string(number)); }
  bool real(double, const std::string &text) override { return value(printable(text)); }
  bool string(std::string &text) override {
    if (depth != 2 || !inMap)
      return value(quote(text));
    if (!isPlainFileName(text))
      return wrong("expected the name of a *.safetensors file in the folder, got " + quote(text));
    auto [shard, isNew] = shards.emplace(std::move(text), 0);
    if (isNew && shards.size() > maxShards) {
      problem = "weight_map names more than " + std::to_string(maxShards) + " files";
      return false;
    }
    if (tensors.size() == maxTensors) {
      problem = "weight_map names more than " + std::to_string(maxTensors) + " tensors";
      return false;
    }
    tensors.emplace_back(std::move(tensor), shard);
    return true;
  }
  bool key(std::string &name) override {
    if (depth == 1)
      inMap = name == "weight_map";
    else if (depth == 2 && inMap)
      tensor = std::move(name);
    return true;
  }
  bool startObject() override {
    if (depth > 0 && !(depth == 1 && inMap) && !value("an object"))
      return false;
    sawMap |= depth == 1 && inMap;
    ++depth;
    return true;
  }
  bool startArray() override {
    if (!value("an array"))
      return false;
    ++depth;
    return true;
  }
  bool endObject() override { return --depth, true; }
  bool endArray() override { return --depth, true; }

  std::map<std::string, size_t> shards; // the numbers are filled in when all are known
  std::vector<std::pair<std::string, std::map<std::string, size_t>::iterator>> tensors;
  bool sawMap = false;

private:
  bool wrong(const std::string &what) {
    problem = "weight_map, tensor " + quote(tensor) + ": " + what;
    return false;
  }
  /// Anything but a file name in the map.
  bool value(const std::string &got) {
    if (depth == 0) {
      problem = "expected an object with a weight_map, got " + got;
      return false;
    }
    if (!inMap)
      return true;
    if (depth == 2)
      return wrong("expected a string, got " + got);
    problem = "expected an object weight_map from tensors to files, got " + got;
    return false;
  }

  size_t depth = 0;
  bool inMap = false; // below the key weight_map
  std::string tensor;
};

} // namespace

Expected<ShardIndex> moe::readShardIndex(const std::string &path, const std::string &name) {
  Expected<File> file = File::open(path, path);
  if (!file)
    return file.error();
  if (file->size() > maxHeaderBytes)
    return Error{file->name() + ": expected at most " + std::to_string(maxHeaderBytes) + " bytes, got " +
                 std::to_string(file->size())};
  IndexHandler handler;
  Expected<Unit> parsed = parseJson(readInPieces(*file, 0, file->size()), name, handler);
  if (!parsed)
    return parsed.error();
  if (handler.tensors.empty())
    return Error{name + ": " + (handler.sawMap ? "weight_map names no tensor" : "no weight_map from tensors to files")};

  ShardIndex index;
  for (auto &[shard, number] : handler.shards) {
    number = index.shards.size();
    index.shards.push_back(shard);
  }
  for (auto &[tensor, shard] : handler.tensors)
    index.tensors.emplace_back(std::move(tensor), shard->second);
  return index;
}
