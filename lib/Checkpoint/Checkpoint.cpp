// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens a checkpoint: finds its files, checks every header, merges the tensors into one table.
#include "moe/Checkpoint/Checkpoint.h"

#include "ShardIndex.h"
#include "moe/Checkpoint/File.h"
#include "moe/Checkpoint/Sha256.h"
#include "moe/Checkpoint/Text.h"

#include <algorithm>
#include <cstring>
#include <sys/stat.h>

using namespace moe;

static const char singleName[] = "model.safetensors";
static const char memoryName[] = "tensors in memory"; // for messages
static const char indexName[] = "model.safetensors.index.json";

struct Checkpoint::Impl {
  std::string path;
  std::vector<File> files;         // in name order
  std::vector<TensorInfo> tensors; // in name order
  std::string digest;
  std::vector<const char *> memory; // of each tensor's first byte, by TensorInfo::file, when there are no files

  Expected<Unit> addFile(const std::string &realPath, const std::string &name, Sha256 &hash);
  Expected<Unit> openSingle(const std::string &realPath, const std::string &name);
  Expected<Unit> openShards(const std::string &folder);
};

static bool exists(const std::string &path) {
  struct stat info;
  // lstat: a dangling link is there, and the message about it should say so.
  return lstat(path.c_str(), &info) == 0;
}

static bool isFolder(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// Bytes of the JSON text of a header. The length before it goes into the hash.
static Expected<uint64_t> headerBytes(const File &file, Sha256 &hash) {
  auto fail = [&](const std::string &what) { return Error{file.name() + ": " + what}; };
  unsigned char length[8];
  if (file.size() < sizeof length)
    return fail("expected a safetensors file, got only " + std::to_string(file.size()) + " bytes");
  Expected<Unit> read = file.read(0, length, sizeof length);
  if (!read)
    return read.error();
  uint64_t bytes = 0;
  for (int i = 7; i >= 0; --i)
    bytes = bytes << 8 | length[i];
  if (bytes > maxHeaderBytes)
    return fail("expected a safetensors header of at most " + std::to_string(maxHeaderBytes) + " bytes, got " +
                std::to_string(bytes));
  if (bytes > file.size() - sizeof length)
    return fail("header of " + std::to_string(bytes) + " bytes does not fit into the file of " +
                std::to_string(file.size()) + "; it may be truncated, fetch it again");
  char first = 0;
  if (bytes > 0)
    read = file.read(sizeof length, &first, 1);
  if (!read)
    return read.error();
  if (first != '{')
    return fail("expected a safetensors header that begins with '{'");
  hash.update(std::string_view(reinterpret_cast<const char *>(length), sizeof length));
  return bytes;
}

Expected<Unit> Checkpoint::Impl::addFile(const std::string &realPath, const std::string &name, Sha256 &hash) {
  Expected<File> file = File::open(realPath, name);
  if (!file)
    return file.error();
  Expected<uint64_t> bytes = headerBytes(*file, hash);
  if (!bytes)
    return bytes.error();
  auto hashed = [&hash, read = readInPieces(*file, sizeof(uint64_t), *bytes)]() -> Expected<std::string_view> {
    Expected<std::string_view> piece = read();
    if (piece)
      hash.update(*piece);
    return piece;
  };
  Expected<SafeTensorsHeader> parsed = parseSafeTensorsHeader(hashed, *bytes, file->size(), file->name());
  if (!parsed)
    return parsed.error();
  if (tensors.size() + parsed->tensors.size() > maxTensors)
    return Error{file->name() + ": more than " + std::to_string(maxTensors) + " tensors in the checkpoint"};
  for (TensorInfo &tensor : parsed->tensors) {
    tensor.file = int(files.size());
    tensors.push_back(std::move(tensor));
  }
  files.push_back(std::move(*file));
  return Unit{};
}

Expected<Unit> Checkpoint::Impl::openSingle(const std::string &realPath, const std::string &name) {
  Sha256 hash;
  Expected<Unit> added = addFile(realPath, name, hash);
  digest = hash.hexDigest();
  return added;
}

Expected<Unit> Checkpoint::Impl::openShards(const std::string &folder) {
  Expected<std::string> indexPath = resolveInside(folder, indexName);
  if (!indexPath)
    return indexPath.error();
  std::string shownIndex = printable(folder) + "/" + indexName;
  Expected<ShardIndex> index = readShardIndex(*indexPath, shownIndex);
  if (!index)
    return index.error();

  Sha256 hash;
  for (const std::string &shard : index->shards) { // sorted
    Expected<std::string> real = resolveInside(folder, shard);
    if (!real)
      return Error{real.message() + "; " + indexName + " names it"};
    Expected<Unit> added = addFile(*real, folder + "/" + shard, hash);
    if (!added)
      return added.error();
  }
  digest = hash.hexDigest();

  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo &a, const TensorInfo &b) {
    return a.name != b.name ? a.name < b.name : a.file < b.file;
  });
  for (size_t i = 1; i < tensors.size(); ++i)
    if (tensors[i].name == tensors[i - 1].name)
      return Error{files[tensors[i].file].name() + ": tensor " + quote(tensors[i].name) + " is also in " +
                   files[tensors[i - 1].file].name() + "; expected it in one shard"};
  for (const auto &[tensor, shard] : index->tensors) {
    auto found = std::lower_bound(tensors.begin(), tensors.end(), tensor,
                                  [](const TensorInfo &info, const std::string &name) { return info.name < name; });
    if (found == tensors.end() || found->name != tensor || size_t(found->file) != shard)
      return Error{shownIndex + ": tensor " + quote(tensor) + " is not in " + quote(index->shards[shard]) +
                   ", where weight_map puts it"};
  }
  return Unit{};
}

bool Checkpoint::present(const std::string &folder) {
  return exists(folder + "/" + singleName) || exists(folder + "/" + indexName);
}

Expected<std::unique_ptr<Checkpoint>> Checkpoint::open(const std::string &path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  Expected<Unit> opened = Unit{};
  if (!isFolder(path)) {
    opened = impl->openSingle(path, path);
  } else if (exists(path + "/" + singleName)) {
    // As transformers does, one file is preferred to shards.
    Expected<std::string> real = resolveInside(path, singleName);
    opened = real ? impl->openSingle(*real, path + "/" + singleName) : Expected<Unit>(real.error());
  } else if (exists(path + "/" + indexName)) {
    opened = impl->openShards(path);
  } else {
    opened = Error{printable(path) + ": no weights; expected " + singleName + " or " + indexName + " in the folder"};
  }
  if (!opened)
    return opened.error();
  return std::unique_ptr<Checkpoint>(new Checkpoint(std::move(impl)));
}

Expected<std::unique_ptr<Checkpoint>> Checkpoint::inMemory(const std::vector<MemoryTensor> &tensors) {
  auto impl = std::make_unique<Impl>();
  impl->path = memoryName;
  for (const MemoryTensor &tensor : tensors) {
    uint64_t bytes = dtypeSize(tensor.dtype);
    for (int64_t size : tensor.shape)
      if (size < 0 || __builtin_mul_overflow(bytes, uint64_t(size), &bytes))
        return Error{impl->path + ": tensor " + quote(tensor.name) + ": expected a shape that fits into memory, got " +
                     shapeText(tensor.shape)};
    if (!tensor.data && bytes > 0)
      return Error{impl->path + ": tensor " + quote(tensor.name) + ": expected data, got null"};
    impl->tensors.push_back({tensor.name, tensor.dtype, tensor.shape, 0, bytes, int(impl->memory.size())});
    impl->memory.push_back(static_cast<const char *>(tensor.data));
  }
  std::sort(impl->tensors.begin(), impl->tensors.end(),
            [](const TensorInfo &a, const TensorInfo &b) { return a.name < b.name; });
  for (size_t i = 1; i < impl->tensors.size(); ++i)
    if (impl->tensors[i].name == impl->tensors[i - 1].name)
      return Error{impl->path + ": tensor " + quote(impl->tensors[i].name) + " is given twice"};
  return std::unique_ptr<Checkpoint>(new Checkpoint(std::move(impl)));
}

Checkpoint::Checkpoint(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Checkpoint::~Checkpoint() = default;

const TensorInfo *Checkpoint::find(std::string_view name) const {
  auto found = std::lower_bound(impl->tensors.begin(), impl->tensors.end(), name,
                                [](const TensorInfo &info, std::string_view key) { return info.name < key; });
  return found != impl->tensors.end() && found->name == name ? &*found : nullptr;
}

const std::vector<TensorInfo> &Checkpoint::tensors() const { return impl->tensors; }

Expected<Unit> Checkpoint::read(const TensorInfo &tensor, uint64_t byteOffset, void *dst, uint64_t bytes) const {
  if (byteOffset > tensor.bytes() || bytes > tensor.bytes() - byteOffset)
    return Error{fileOf(tensor) + ": tensor " + quote(tensor.name) + " has " + std::to_string(tensor.bytes()) +
                 " bytes; cannot read " + std::to_string(bytes) + " at " + std::to_string(byteOffset)};
  if (impl->files.empty()) {
    if (bytes > 0)
      std::memcpy(dst, impl->memory[size_t(tensor.file)] + byteOffset, bytes);
    return Unit{};
  }
  return impl->files[size_t(tensor.file)].read(tensor.begin + byteOffset, dst, bytes);
}

std::string Checkpoint::digest() const { return impl->digest; }

const std::string &Checkpoint::path() const { return impl->path; }

const std::string &Checkpoint::fileOf(const TensorInfo &tensor) const {
  return impl->files.empty() ? impl->path : impl->files[size_t(tensor.file)].name();
}
