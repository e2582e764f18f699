// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BulkCopy.cpp - cp.async.bulk: copies by the tensor memory accelerator ------------------------------===//
//
// Of the asynchronous proxy. Loads tell an mbarrier how many bytes have come; stores are completed in groups of the
// thread that asked for them.
#include "../Block.h"
#include "../Operation.h"
#include "../TensorMap.h"

using namespace moe::emulator;
using llvm::StringRef;

namespace {
/// A row of a box: where it is in the tensor, and in the box.
struct Row {
  char *global;
  uint32_t boxOffset, bytes;
  bool inside; ///< of the tensor; a row is split where the tensor ends
};
} // namespace

static const TensorMap &tensorMap(Block &block, const void *address) {
  auto *map = static_cast<const TensorMap *>(address);
  if (reinterpret_cast<uintptr_t>(address) % 64 != 0 || map->magic != TensorMap::magicNumber)
    block.fail("expected a tensor map that cuTensorMapEncodeTiled wrote, aligned to 64 bytes");
  return *map;
}

/// The elements of the box at `start`, innermost dimension first.
static std::vector<Row> rowsOfBox(const TensorMap &map, const int32_t *start) {
  std::vector<Row> rows;
  uint32_t at[5] = {};
  for (uint32_t offset = 0;;) {
    bool inside = true;
    char *base = map.data;
    for (unsigned d = 1; d < map.rank; ++d) {
      int64_t index = int64_t(start[d]) + at[d];
      inside &= index >= 0 && index < int64_t(map.sizes[d]);
      base += index * int64_t(map.strides[d - 1]);
    }
    for (uint32_t i = 0; i != map.box[0]; ++i) {
      int64_t index = int64_t(start[0]) + i;
      rows.push_back({base + index * map.elementBytes, offset, map.elementBytes,
                      inside && index >= 0 && index < int64_t(map.sizes[0])});
      offset += map.elementBytes;
    }
    unsigned d = 1;
    while (d < map.rank && ++at[d] == map.box[d])
      at[d++] = 0;
    if (d >= map.rank)
      return rows;
  }
}

static uint32_t boxBytes(const TensorMap &map) {
  uint32_t bytes = map.elementBytes;
  for (unsigned d = 0; d != map.rank; ++d)
    bytes *= map.box[d];
  return bytes;
}

/// The bytes of shared memory that a copy writes are touched when it is issued, and reported when it has landed.
static void issueLoad(Block &block, MBarrier &barrier, const char *to, uint32_t bytes, uint32_t alignment,
                      std::function<void()> land) {
  uint32_t number = ++barrier.bulkCopiesIssued;
  Access write = {block.self().index, {block.order.bulkCopiesTo(barrier.index), number}, /*write=*/true};
  write.asyncProxy = true;
  block.checkShared(to, bytes, alignment, write, "cp.async.bulk");
  block.enqueue([&block, &barrier, bytes, land] {
    land();
    ++barrier.bulkCopies;
    block.addBytes(barrier, -int64_t(bytes));
  });
}

/// cp.async.bulk.tensor.g2s.tile.ND(to, mbarrier, map, coordinates...), in PTX
/// cp.async.bulk.tensor.ND.shared::cluster.global.tile.mbarrier::complete_tx::bytes(to, map, coordinates..., mbarrier)
static std::unique_ptr<Operation> makeTensorLoad(StringRef name, unsigned rank, bool ptx) {
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *) {
    char *to = pointer(arguments[0]);
    MBarrier &barrier = block.mbarrier(pointer(arguments[ptx ? 2 + rank : 1]));
    const TensorMap &map = tensorMap(block, pointer(arguments[ptx ? 1 : 2]));
    if (map.rank != rank)
      block.fail("cp.async.bulk.tensor: expected a tensor map of rank " + std::to_string(rank) + ", got " +
                 std::to_string(map.rank));
    int32_t start[5] = {};
    for (unsigned d = 0; d != rank; ++d)
      start[d] = get<int32_t>(arguments[(ptx ? 2 : 3) + d]);
    std::vector<Row> rows = rowsOfBox(map, start);
    for (const Row &row : rows)
      if (row.inside)
        block.check(row.global, row.bytes, 1, false, false, "cp.async.bulk.tensor");
    uint32_t swizzle = map.swizzleBytes, offset = SharedWindow::offsetOf(to);
    // Patterns repeat every 8 rows of the swizzle's width; the hardware wants 128 bytes in any case.
    issueLoad(block, barrier, to, boxBytes(map), 128, [rows = std::move(rows), offset, swizzle] {
      for (const Row &row : rows) {
        char *target = SharedWindow::base() + swizzled(offset + row.boxOffset, swizzle);
        if (row.inside)
          std::memcpy(target, row.global, row.bytes);
        else
          std::memset(target, 0, row.bytes);
      }
    });
  });
}

static void issueStore(Block &block, const char *from, uint32_t bytes, uint32_t alignment) {
  Thread &thread = block.self();
  Access read = {thread.index, {block.order.storesOf(thread.index), ++thread.storesIssued}};
  read.asyncProxy = true;
  block.checkShared(from, bytes, alignment, read, "cp.async.bulk");
}

/// cp.async.bulk.tensor.s2g.tile.ND(from, map, coordinates...)
static std::unique_ptr<Operation> makeTensorStore(StringRef name, unsigned rank) {
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *) {
    const char *from = pointer(arguments[0]);
    const TensorMap &map = tensorMap(block, pointer(arguments[1]));
    if (map.rank != rank)
      block.fail("cp.async.bulk.tensor: expected a tensor map of rank " + std::to_string(rank) + ", got " +
                 std::to_string(map.rank));
    int32_t start[5] = {};
    for (unsigned d = 0; d != rank; ++d)
      start[d] = get<int32_t>(arguments[2 + d]);
    issueStore(block, from, boxBytes(map), 128);
    for (const Row &row : rowsOfBox(map, start)) {
      if (!row.inside)
        continue;
      block.check(row.global, row.bytes, 1, true, false, "cp.async.bulk.tensor");
      uint32_t offset = swizzled(SharedWindow::offsetOf(from) + row.boxOffset, map.swizzleBytes);
      std::memcpy(row.global, SharedWindow::base() + offset, row.bytes);
    }
  });
}

/// cp.async.bulk.global.to.shared.{cluster,cta}(to, mbarrier, from, bytes), in PTX
/// cp.async.bulk.shared::{cluster,cta}.global.mbarrier::complete_tx::bytes(to, from, bytes, mbarrier)
static std::unique_ptr<Operation> makeLoad(StringRef name, bool ptx) {
  return simple(name.str(), [=](Block &block, const uint64_t *arguments, char *) {
    char *to = pointer(arguments[0]), *from = pointer(arguments[ptx ? 1 : 2]);
    MBarrier &barrier = block.mbarrier(pointer(arguments[ptx ? 3 : 1]));
    auto bytes = get<uint32_t>(arguments[ptx ? 2 : 3]);
    if (bytes % 16 != 0)
      block.fail("cp.async.bulk: expected a multiple of 16 bytes, got " + std::to_string(bytes));
    block.check(from, bytes, 16, false, false, "cp.async.bulk");
    issueLoad(block, barrier, to, bytes, 16, [=] { std::memcpy(to, from, bytes); });
  });
}

/// cp.async.bulk.shared.cta.to.global(to, from, bytes)
static std::unique_ptr<Operation> makeStore(StringRef name) {
  return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
    char *to = pointer(arguments[0]), *from = pointer(arguments[1]);
    auto bytes = get<uint32_t>(arguments[2]);
    if (bytes % 16 != 0)
      block.fail("cp.async.bulk: expected a multiple of 16 bytes, got " + std::to_string(bytes));
    issueStore(block, from, bytes, 16);
    block.check(to, bytes, 16, true, false, "cp.async.bulk");
    std::memcpy(to, from, bytes);
  });
}

static void waitForStores(Block &block, uint32_t keep) {
  Thread &thread = block.self();
  while (thread.storeGroups.size() > keep) {
    block.order.complete(thread.index, block.order.storesOf(thread.index), thread.storeGroups.front());
    thread.storeGroups.pop_front();
  }
}

std::unique_ptr<Operation> moe::emulator::makeBulkCopy(StringRef name, const Words &words) {
  if (!words.begins("cp.async.bulk"))
    return nullptr;
  if (words[3] == "commit" || words[3] == "commit_group")
    return simple(name.str(), [](Block &block, const uint64_t *, char *) {
      block.self().storeGroups.push_back(block.self().storesIssued);
    });
  if (words[3] == "wait" || words[3] == "wait_group")
    return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
      waitForStores(block, get<uint32_t>(arguments[0]));
    });
  unsigned rank = 0;
  for (unsigned d = 1; d <= 5; ++d)
    if (words.has(std::to_string(d) + "d"))
      rank = d;
  if (words[3] == "tensor" && words.has("tile") && words.has("g2s") && rank)
    return makeTensorLoad(name, rank, /*ptx=*/false);
  if (words[3] == "tensor" && words[5].starts_with("shared::") && words[6] == "global" && words.has("tile") && rank)
    return makeTensorLoad(name, rank, /*ptx=*/true);
  if (words[3] == "tensor" && words.has("tile") && words.has("s2g") && rank)
    return makeTensorStore(name, rank);
  if (words[3] == "global" && words.has("shared"))
    return makeLoad(name, /*ptx=*/false);
  if (words[3].starts_with("shared::") && words[4] == "global" && words[5].starts_with("mbarrier"))
    return makeLoad(name, /*ptx=*/true);
  if ((words[3] == "shared" && words.has("global")) || (words[3] == "global" && words[4] == "shared::cta"))
    return makeStore(name);
  return nullptr;
}
