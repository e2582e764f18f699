// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Arguments.h - arguments of a kernel, from words of a command line ----------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_ARGUMENTS_H
#define MOE_TEST_LIB_EMULATOR_ARGUMENTS_H

#include "Memory.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <deque>
#include <string>
#include <vector>

namespace moe::emulator {

/// The arguments of one run, on device memory of their own.
///
///     i32:5  i64:5  f32:0.5          a number
///     f32[64]  bf16[..] f16 i32 i8   the address of a buffer that nobody has written
///     f32[64]=zero                   ... of zeros
///     f32[64]=iota                   ... of 0, 1, 2, ...
///     f32[64]=integers:7             ... of integers from -4 to 4, drawn from the seed 7
///     map:0:64x32:8x32:128           a tensor map over the buffer that is argument 0, which has 64 rows of 32
///     elements,
///                                    for boxes of 8 rows of 32, with a swizzle of 128 bytes
class Arguments {
public:
  static llvm::Expected<std::unique_ptr<Arguments>> parse(llvm::ArrayRef<std::string> words);

  DeviceMemory memory;
  /// An address for each parameter.
  const void *const *parameters() const { return addresses.data(); }
  size_t count() const { return addresses.size(); }
  /// "1 2 3 ...": the first numbers of a buffer.
  llvm::Expected<std::string> text(unsigned argument, size_t most) const;
  /// Where buffers differ from those of another run of the same words; empty when nowhere.
  std::string difference(const Arguments &other) const;

private:
  struct Buffer {
    std::string type;
    char *data;
    size_t count;
  };
  llvm::Error add(llvm::StringRef word);
  llvm::Error addBuffer(llvm::StringRef word);
  llvm::Error addMap(llvm::StringRef word);

  struct alignas(64) Slot {
    char bytes[128] = {};
  };
  std::deque<Slot> slots;
  std::vector<const void *> addresses;
  std::vector<Buffer> buffers; // by argument; those that are none have no data
};

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_ARGUMENTS_H
