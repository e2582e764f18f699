// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes that depend on the number of tokens T, in postfix order (docs/abi-gpu.md): "T 15 + 16 /".
#ifndef MOE_LIB_RUNTIME_CUDA_SIZEEXPRESSION_H
#define MOE_LIB_RUNTIME_CUDA_SIZEEXPRESSION_H

#include "moe/Checkpoint/Expected.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moe {

/// On unsigned integers of 64 bits, modulo 2^64. Division by zero gives zero: no expression of a compiler has one, and
/// a caller must not trap.
class SizeExpression {
public:
  static Expected<SizeExpression> parse(const std::string &text);
  uint64_t operator()(uint64_t tokens) const;

private:
  enum class Op : uint8_t { Number, Tokens, Add, Subtract, Multiply, Divide, Remainder, And, Max, Min, Less, Choose };
  struct Word {
    Op op;
    uint64_t number;
  };
  static constexpr size_t maxDepth = 32;
  std::vector<Word> words;
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CUDA_SIZEEXPRESSION_H
