// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Warpgroup.cpp - wgmma: products of a warpgroup on operands in shared memory ------------------------===//
//
// PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions". Results are there at once, since registers cannot be
// watched; operands count as being read until the group of the product has been waited for.
#include "../Block.h"
#include "../Numbers.h"
#include "../Operation.h"
#include "../TensorMap.h"

using namespace moe::emulator;
using llvm::StringRef;

namespace {
/// A matrix descriptor: bits 0-13 address, 16-29 leading and 32-45 stride byte offset, all / 16; 62-63 swizzle.
struct Descriptor {
  explicit Descriptor(uint64_t bits)
      : start(uint32_t(bits & 0x3fff) << 4), leading(uint32_t(bits >> 16 & 0x3fff) << 4),
        stride(uint32_t(bits >> 32 & 0x3fff) << 4) {
    static constexpr uint32_t widths[] = {0, 128, 64, 32};
    swizzle = widths[bits >> 62];
  }
  uint32_t start, leading, stride, swizzle;

  /// Offset of element (row, k) of an operand stored with k innermost.
  uint32_t alongK(uint32_t row, uint32_t byte) const {
    if (swizzle == 0) // core matrices of 8 rows of 16 bytes
      return start + row % 8 * 16 + row / 8 * stride + byte / 16 * leading + byte % 16;
    return swizzled(start + row % 8 * swizzle + row / 8 * stride + byte, swizzle);
  }
  /// The same with the row innermost: 64 rows of 2 bytes by 8 k a core.
  uint32_t alongRows(uint32_t row, uint32_t k) const {
    return swizzled(start + row % 64 * 2 + row / 64 * leading + k % 8 * 128 + k / 8 * stride, swizzle);
  }
};

struct Product {
  Number type;
  uint32_t n, k;
};
} // namespace

/// What a warp of the warpgroup reads, once: neighbouring bytes together.
static void checkReads(Block &block, std::vector<uint32_t> &offsets, unsigned bytes, uint32_t warp, uint32_t number) {
  std::sort(offsets.begin(), offsets.end());
  uint32_t thread = block.self().index / 128 * 128 + warp * 32;
  Access read = {thread, {block.order.productsOf(thread / 32), number}};
  read.asyncProxy = true;
  for (size_t i = 0; i != offsets.size();) {
    size_t end = i + 1;
    while (end != offsets.size() && offsets[end] <= offsets[end - 1] + bytes)
      ++end;
    block.checkShared(SharedWindow::base() + offsets[i], offsets[end - 1] + bytes - offsets[i], 1, read, "wgmma");
    i = end;
  }
}

static void multiply(Block &block, const Lanes &lanes, const Product &product) {
  uint32_t registers = product.n / 2, bytes = bytesOf(product.type);
  const uint64_t *first = lanes.arguments[0];
  // Accumulators, A, B, scale-d, scale-a, scale-b, and for 16-bit types trans-a, trans-b.
  for (unsigned lane = 1; lane != 128; ++lane)
    if (lanes.arguments[lane][registers] != first[registers] ||
        lanes.arguments[lane][registers + 1] != first[registers + 1])
      block.fail("wgmma: expected the same descriptors in all threads of the warpgroup, thread " +
                 std::to_string(lane) + " of it has others than thread 0");
  Descriptor a(first[registers]), b(first[registers + 1]);
  bool accumulate = get<uint32_t>(first[registers + 2]) & 1;
  float scaleA = float(get<int32_t>(first[registers + 3])), scaleB = float(get<int32_t>(first[registers + 4]));
  bool aAlongRows = bytes == 2 && (get<uint32_t>(first[registers + 5]) & 1);
  bool bAlongRows = bytes == 2 && (get<uint32_t>(first[registers + 6]) & 1);
  if ((aAlongRows && a.swizzle != 128) || (bAlongRows && b.swizzle != 128))
    block.fail("wgmma: operands with k outermost are emulated with a swizzle of 128 bytes only");

  std::vector<float> left(64 * product.k), right(product.n * product.k);
  // Warp w multiplies rows 16 w to 16 w + 15 of A by all of B; a wait of one warp says nothing about the others.
  std::vector<uint32_t> offsets[4];
  auto read = [&](const Descriptor &descriptor, uint32_t rows, bool alongRows, bool ofAll, std::vector<float> &values) {
    for (uint32_t row = 0; row != rows; ++row)
      for (uint32_t k = 0; k != product.k; ++k) {
        uint32_t offset = alongRows ? descriptor.alongRows(row, k) : descriptor.alongK(row, k * bytes);
        for (uint32_t warp = 0; warp != 4; ++warp)
          if (ofAll || row / 16 == warp)
            offsets[warp].push_back(offset % SharedWindow::size);
        values[row * product.k + k] = load(product.type, SharedWindow::base() + offset % SharedWindow::size);
      }
  };
  read(a, 64, aAlongRows, /*ofAll=*/false, left);
  read(b, product.n, bAlongRows, /*ofAll=*/true, right);
  uint32_t number = block.issueProduct(block.self().index / 128);
  for (uint32_t warp = 0; warp != 4; ++warp)
    checkReads(block, offsets[warp], bytes, warp, number);

  for (unsigned lane = 0; lane != 128; ++lane)
    for (uint32_t i = 0; i != registers; ++i) {
      uint32_t row = lane / 32 * 16 + lane % 32 / 4 + 8 * (i / 2 % 2), col = 8 * (i / 4) + lane % 4 * 2 + i % 2;
      float sum = accumulate ? get<float>(lanes.arguments[lane][i]) : 0;
      for (uint32_t k = 0; k != product.k; ++k)
        sum += scaleA * left[row * product.k + k] * scaleB * right[col * product.k + k];
      put(lanes.results[lane] + 4 * i, sum);
    }
}

/// wgmma.mma_async.sync.aligned.m64nNkK.f32.A.B
static std::unique_ptr<Operation> makeProduct(StringRef name, const Words &words) {
  StringRef shape = words[4];
  Product product;
  if (!shape.consume_front("m64n") || shape.consumeInteger(10, product.n) || !shape.consume_front("k") ||
      shape.getAsInteger(10, product.k) || words[5] != "f32" || words[6] != words[7])
    return nullptr;
  auto type = numberNamed(words[6]);
  if (!type || *type == Number::F32 || product.n % 8 != 0 || product.n > 256 || product.k != 32 / bytesOf(*type))
    return nullptr;
  product.type = *type;
  return ofWarpgroup(name.str(), [=](Block &block, const Lanes &lanes) { multiply(block, lanes, product); });
}

std::unique_ptr<Operation> moe::emulator::makeWarpgroup(StringRef name, const Words &words) {
  if (words[0] != "wgmma")
    return nullptr;
  if (words[1] == "mma_async")
    return makeProduct(name, words);
  if (words[1] == "fence") // of registers, which are always up to date here
    return simple(name.str(), [](Block &, const uint64_t *, char *) {});
  if (words[1] == "commit_group")
    return ofWarpgroup(name.str(), [](Block &block, const Lanes &) { block.commitProducts(block.self().index / 128); });
  if (words[1] == "wait_group")
    return simple(name.str(), [](Block &block, const uint64_t *arguments, char *) {
      block.waitForProducts(get<uint32_t>(arguments[0]));
    });
  return nullptr;
}
