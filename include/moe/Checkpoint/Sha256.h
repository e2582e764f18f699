// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SHA-256 (FIPS 180-4), for the digest that ties a compiled library to a checkpoint.
#ifndef MOE_CHECKPOINT_SHA256_H
#define MOE_CHECKPOINT_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace moe {

class Sha256 {
public:
  void update(std::string_view bytes);
  /// 64 hex digits; the object is spent afterwards.
  std::string hexDigest();

private:
  void block(const unsigned char *bytes);

  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending{};
  uint64_t total = 0; // bytes seen so far
};

} // namespace moe

#endif // MOE_CHECKPOINT_SHA256_H
