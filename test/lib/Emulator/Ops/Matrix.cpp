// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Matrix.cpp - mma.sync, ldmatrix, stmatrix ----------------------------------------------------------===//
//
// Fragments are those of the PTX ISA, "Warp Level Matrix Instructions": lane l is (g, q) = (l / 4, l % 4).
#include "../Block.h"
#include "../Numbers.h"
#include "../Operation.h"

using namespace moe::emulator;
using llvm::StringRef;

namespace {
struct Shape {
  unsigned m, n, k;
};
} // namespace

/// "m16n8k16"
static std::optional<Shape> parseShape(StringRef text) {
  Shape shape;
  if (!text.consume_front("m") || text.consumeInteger(10, shape.m) || !text.consume_front("n") ||
      text.consumeInteger(10, shape.n) || !text.consume_front("k") || text.consumeInteger(10, shape.k) || !text.empty())
    return std::nullopt;
  return shape;
}

/// C or D, of f32 (a register each) or f16 (two a register): element i of a lane.
static float accumulator(Number type, const char *registers, unsigned i) {
  return type == Number::F32 ? load(type, registers + 4 * i) : load(type, registers + 2 * i);
}

static void multiply(const Shape &shape, Number type, Number sumType, const Lanes &lanes) {
  unsigned each = 4 / bytesOf(type), aRegisters = shape.k / (4 * each) * 2, bRegisters = aRegisters / 2;
  float a[16][32], b[32][8];
  for (unsigned lane = 0; lane != 32; ++lane) {
    unsigned g = lane / 4, q = lane % 4;
    for (unsigned i = 0; i != aRegisters; ++i)
      for (unsigned h = 0; h != each; ++h)
        a[g + 8 * (i % 2)][q * each + h + i / 2 * 4 * each] =
            load(type, reinterpret_cast<const char *>(&lanes.arguments[lane][i]) + h * bytesOf(type));
    for (unsigned i = 0; i != bRegisters; ++i)
      for (unsigned h = 0; h != each; ++h)
        b[q * each + h + i * 4 * each][g] =
            load(type, reinterpret_cast<const char *>(&lanes.arguments[lane][aRegisters + i]) + h * bytesOf(type));
  }
  for (unsigned lane = 0; lane != 32; ++lane)
    for (unsigned i = 0; i != 4; ++i) {
      unsigned row = lane / 4 + 8 * (i / 2), col = lane % 4 * 2 + i % 2;
      // Each register of C is a slot of its own.
      unsigned slot = sumType == Number::F32 ? i : i / 2, within = sumType == Number::F32 ? 0 : i % 2;
      float sum = accumulator(
          sumType, reinterpret_cast<const char *>(&lanes.arguments[lane][aRegisters + bRegisters + slot]), within);
      for (unsigned k = 0; k != shape.k; ++k)
        sum += a[row][k] * b[k][col];
      store(sumType, lanes.results[lane] + i * bytesOf(sumType), sum);
    }
}

/// Intrinsics: mma.SHAPE.row.col.{bf16,tf32}, mma.SHAPE.row.col.D.C for f16. PTX:
/// mma.sync.aligned.SHAPE.row.col.D.A.B.C.
static std::unique_ptr<Operation> makeMMA(StringRef name, const Words &words) {
  bool ptx = words[1] == "sync";
  auto shape = parseShape(words[ptx ? 3 : 1]);
  if (!shape || shape->m != 16 || shape->n != 8 || !words.has("row") || !words.has("col"))
    return nullptr;
  std::optional<Number> type, sumType = Number::F32;
  size_t first = ptx ? 6 : 4; // after row.col
  if (ptx) {
    sumType = numberNamed(words[first]);
    type = numberNamed(words[first + 1]);
  } else if (words[first] == "bf16" || words[first] == "tf32") {
    type = numberNamed(words[first]);
  } else if ((words[first] == "f32" || words[first] == "f16") && words[first] == words[first + 1]) {
    sumType = numberNamed(words[first]);
    type = Number::F16;
  }
  if (!type || !sumType || *type == Number::F32)
    return nullptr;
  unsigned each = 4 / bytesOf(*type);
  if (shape->k != 4 * each && shape->k != 8 * each)
    return nullptr;
  return ofWarp(name.str(), -1, [shape = *shape, type = *type, sumType = *sumType](Block &, const Lanes &lanes) {
    multiply(shape, type, sumType, lanes);
  });
}

/// ldmatrix.sync.aligned.m8n8.xN[.trans].b16: lane 8 * t + r brings the address of row r of matrix t.
static std::unique_ptr<Operation> makeLoadMatrix(StringRef name, const Words &words) {
  unsigned count = words.has("x4") ? 4 : words.has("x2") ? 2 : 1;
  if (!words.has("m8n8") || !words.has("b16"))
    return nullptr;
  bool transposed = words.has("trans");
  return ofWarp(name.str(), -1, [=](Block &block, const Lanes &lanes) {
    uint16_t matrix[4][8][8];
    uint32_t warp = block.warp();
    for (unsigned t = 0; t != count; ++t)
      for (unsigned r = 0; r != 8; ++r) {
        const char *row = pointer(lanes.arguments[8 * t + r][0]);
        uint32_t thread = warp * 32 + 8 * t + r;
        block.checkShared(row, 16, 16, {thread, block.order.now(thread)}, "ldmatrix");
        std::memcpy(matrix[t][r], row, 16);
      }
    for (unsigned lane = 0; lane != 32; ++lane)
      for (unsigned t = 0; t != count; ++t)
        for (unsigned h = 0; h != 2; ++h) {
          unsigned r = lane / 4, c = lane % 4 * 2 + h;
          put(lanes.results[lane] + 4 * t + 2 * h, transposed ? matrix[t][c][r] : matrix[t][r][c]);
        }
  });
}

/// stmatrix.sync.aligned.m8n8.xN[.trans].b16(address, registers...)
static std::unique_ptr<Operation> makeStoreMatrix(StringRef name, const Words &words) {
  unsigned count = words.has("x4") ? 4 : words.has("x2") ? 2 : 1;
  if (!words.has("m8n8") || !words.has("b16"))
    return nullptr;
  bool transposed = words.has("trans");
  return ofWarp(name.str(), -1, [=](Block &block, const Lanes &lanes) {
    uint16_t matrix[4][8][8];
    uint32_t warp = block.warp();
    for (unsigned lane = 0; lane != 32; ++lane)
      for (unsigned t = 0; t != count; ++t)
        for (unsigned h = 0; h != 2; ++h) {
          unsigned r = lane / 4, c = lane % 4 * 2 + h;
          auto value = uint16_t(get<uint32_t>(lanes.arguments[lane][1 + t]) >> (16 * h));
          (transposed ? matrix[t][c][r] : matrix[t][r][c]) = value;
        }
    for (unsigned t = 0; t != count; ++t)
      for (unsigned r = 0; r != 8; ++r) {
        char *row = pointer(lanes.arguments[8 * t + r][0]);
        uint32_t thread = warp * 32 + 8 * t + r;
        block.checkShared(row, 16, 16, {thread, block.order.now(thread), /*write=*/true}, "stmatrix");
        std::memcpy(row, matrix[t][r], 16);
      }
  });
}

std::unique_ptr<Operation> moe::emulator::makeMatrix(StringRef name, const Words &words) {
  if (words[0] == "mma")
    return makeMMA(name, words);
  if (words[0] == "ldmatrix")
    return makeLoadMatrix(name, words);
  if (words[0] == "stmatrix")
    return makeStoreMatrix(name, words);
  return nullptr;
}
