// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The standard's own examples, and lengths around the padding's edges fed in two pieces.
#include "moe/Checkpoint/Sha256.h"

#include <gtest/gtest.h>

using namespace moe;

static std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.hexDigest();
}

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesDoNotMatter) {
  for (size_t length : {54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000}) {
    std::string text(length, 'x');
    std::string whole = sha256(text);
    for (size_t cut = 0; cut <= length; cut += 7) {
      Sha256 hash;
      hash.update(std::string_view(text).substr(0, cut));
      hash.update(std::string_view(text).substr(cut));
      ASSERT_EQ(hash.hexDigest(), whole) << length << " cut at " << cut;
    }
  }
}
