// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Operation.h - what an intrinsic of NVVM or an instruction of PTX does ------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_OPERATION_H
#define MOE_TEST_LIB_EMULATOR_OPERATION_H

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

namespace moe::emulator {

class Block;

/// The name of an operation, cut at its dots: "mma.m16n8k16.row.col.bf16". Names of intrinsics and opcodes of PTX are
/// near enough to each other to be read by the same code.
class Words {
public:
  explicit Words(llvm::StringRef name) { name.split(words, '.'); }
  bool has(llvm::StringRef word) const { return llvm::is_contained(words, word); }
  /// The name begins with these words.
  bool begins(llvm::StringRef prefix) const {
    Words other(prefix);
    return words.size() >= other.words.size() && std::equal(other.words.begin(), other.words.end(), words.begin());
  }
  llvm::StringRef operator[](size_t i) const { return i < words.size() ? words[i] : llvm::StringRef(); }
  size_t size() const { return words.size(); }

private:
  llvm::SmallVector<llvm::StringRef, 12> words;
};

/// Arguments are slots of 8 bytes, each with the argument's bytes at its start; results are laid out as the type of the
/// call is in memory.
class Operation {
public:
  explicit Operation(std::string name) : label(std::move(name)) {}
  virtual ~Operation() = default;
  const std::string &name() const { return label; }
  virtual void run(Block &block, const uint64_t *arguments, char *results) const = 0;

private:
  std::string label;
};

template <typename T>
T get(uint64_t slot) {
  T value;
  std::memcpy(&value, &slot, sizeof value);
  return value;
}
inline char *pointer(uint64_t slot) { return reinterpret_cast<char *>(slot); }
template <typename T>
void put(char *results, T value) {
  std::memcpy(results, &value, sizeof value);
}

/// An operation of one thread, from a function.
using ThreadFunction = std::function<void(Block &block, const uint64_t *arguments, char *results)>;
std::unique_ptr<Operation> simple(std::string name, ThreadFunction function);

/// Lanes that came together: arguments and results of each, null for one that is not there.
struct Lanes {
  const uint64_t *arguments[128];
  char *results[128];
  unsigned count; ///< 32 or 128
  bool has(unsigned lane) const { return arguments[lane] != nullptr; }
};
using LanesFunction = std::function<void(Block &block, const Lanes &lanes)>;
/// An operation of a warp: happens when all lanes of its mask are there. `maskArgument`: which argument is the mask; -1
/// for all lanes. With `synchronizes` the lanes see each other's memory.
std::unique_ptr<Operation> ofWarp(std::string name, int maskArgument, LanesFunction function,
                                  bool synchronizes = false);
/// An operation of four warps.
std::unique_ptr<Operation> ofWarpgroup(std::string name, LanesFunction function);

/// The operation of this name, or null. One function a file in Ops.
using Maker = std::unique_ptr<Operation> (*)(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeOperation(llvm::StringRef name);

std::unique_ptr<Operation> makeSpecial(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeMath(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeWarp(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeMatrix(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeCopy(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeMBarrier(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeBulkCopy(llvm::StringRef name, const Words &words);
std::unique_ptr<Operation> makeWarpgroup(llvm::StringRef name, const Words &words);

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_OPERATION_H
