// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Packed files (docs/packed-file.md) through the C ABI: written, mapped, and each way in which one can be wrong. Every
// file that is found wrong is packed anew or left alone, and the weights are the right ones or there is no layer.
//===----------------------------------------------------------------------===//
#include "OneWeight.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

std::string contentOf(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void write(const std::string &path, const std::string &content) { std::ofstream(path, std::ios::binary) << content; }

/// A weight of two experts on its way through a packed file.
class PackedFile : public testing::Test {
protected:
  PackedFile() {
    std::iota(values.begin(), values.end(), 1.f);
    EXPECT_TRUE(
        moe::writeSafeTensors(folder.file("model.safetensors"), {{"w", moe::DType::F32, {2, 5, 7}, values.data()}})
            .ok());
    options.checkpoint = folder.path.c_str();
    options.packed = file.c_str();
  }

  /// Loads, looks at the weights, and says what became of the file.
  moe_packed loaded(std::string *why = nullptr) {
    Layer keep;
    std::vector<const void *> experts = model.packed(options, keep);
    for (int64_t e = 0; e < 2; ++e)
      for (int64_t n = 0; n < 5; ++n)
        for (int64_t k = 0; k < 7; ++k) {
          auto *expert = static_cast<const float *>(experts[size_t(e)]);
          EXPECT_EQ(expert[((n / 4) * 4 + k / 2) * 8 + n % 4 * 2 + k % 2], float(e * 35 + n * 7 + k + 1));
        }
    const char *reason;
    moe_packed packed = moe_layer_packed(keep.get(), &reason);
    if (why)
      *why = reason;
    return packed;
  }

  std::string refused() {
    moe_layer *layer = nullptr;
    EXPECT_NE(moe_layer_load(wrap(model.desc).get(), 0, &options, &layer), MOE_OK);
    EXPECT_EQ(layer, nullptr);
    std::string error = moe_last_error();
    EXPECT_EQ(error.find('\n'), std::string::npos);
    return error;
  }

  void expectReplaced(const std::string &damaged, const std::string &reason) {
    write(file, damaged);
    std::string why;
    EXPECT_EQ(loaded(&why), MOE_PACKED_REPLACED);
    EXPECT_NE(why.find(reason), std::string::npos) << why;
    EXPECT_EQ(loaded(), MOE_PACKED_MAPPED);
  }

  /// How many files there are, so that none is left behind.
  int64_t files() { return std::distance(std::filesystem::directory_iterator(folder.path), {}); }

  std::vector<float> values = std::vector<float>(2 * 5 * 7);
  TempFolder folder;
  std::string file = folder.file("weights.packed");
  OneWeight model{5, 7, 2, /*panel=*/4, /*group=*/2, MOE_F32, {"w"}};
  moe_load_options options{};
};

constexpr size_t headerBytes = 64, entryBytes = 24;

void put(std::string &content, size_t at, uint64_t value) { std::memcpy(&content[at], &value, 8); }

/// Makes the checksum of the header right again, as somebody would who means it.
void sign(std::string &content) {
  uint64_t description;
  std::memcpy(&description, &content[24], 8);
  put(content, 40, 0);
  put(content, 40, XXH3_64bits(content.data(), headerBytes + entryBytes + description));
}

} // namespace

TEST_F(PackedFile, IsWrittenOnceAndThenMapped) {
  EXPECT_EQ(loaded(), MOE_PACKED_WRITTEN);
  std::string first = contentOf(file);
  EXPECT_EQ(first.compare(0, 8, "\x89MOEPACK"), 0);
  EXPECT_EQ(first.size() % 4096, 0u);
  options.verify_packed = 1;
  EXPECT_EQ(loaded(), MOE_PACKED_MAPPED);
  EXPECT_EQ(contentOf(file), first);
  EXPECT_EQ(files(), 2);
}

TEST_F(PackedFile, PackingAgainGivesTheSameBytes) {
  EXPECT_EQ(loaded(), MOE_PACKED_WRITTEN);
  std::string first = contentOf(file);
  std::filesystem::remove(file);
  Pool pool = makePool(2);
  options.pool = pool.get();
  EXPECT_EQ(loaded(), MOE_PACKED_WRITTEN);
  EXPECT_EQ(contentOf(file), first);
}

TEST_F(PackedFile, EveryCutIsNoticed) {
  loaded();
  std::string whole = contentOf(file);
  for (size_t bytes : {8ul, 9ul, 63ul, 64ul, 65ul, 87ul, 88ul, 500ul, 4095ul, 4096ul, whole.size() - 1})
    expectReplaced(whole.substr(0, bytes), bytes < headerBytes ? "cut short" : "bytes long, expected");
  expectReplaced(whole + '\0', "bytes long, expected");
  EXPECT_EQ(files(), 2);
}

TEST_F(PackedFile, EveryByteOfTheHeaderCounts) {
  loaded();
  const std::string whole = contentOf(file);
  uint64_t description;
  std::memcpy(&description, &whole[24], 8);
  for (size_t at = 8; at < headerBytes + entryBytes + description; at += at < 100 ? 1 : 13) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ 0x41);
    write(file, damaged);
    EXPECT_EQ(loaded(), MOE_PACKED_REPLACED) << "byte " << at;
  }
}

TEST_F(PackedFile, SizesThatWrapLeadNowhere) {
  loaded();
  const std::string whole = contentOf(file);
  for (uint64_t huge : {UINT64_MAX, UINT64_MAX / 24 + 1, UINT64_C(1) << 63, uint64_t(whole.size())})
    for (size_t field : {24u, 32u}) { // length of the description, number of weights
      std::string damaged = whole;
      put(damaged, field, huge);
      expectReplaced(damaged, "impossible sizes");
    }
  for (size_t field : {0u, 8u}) { // offset and size of the weight: the checksum of the header is over them
    std::string damaged = whole;
    put(damaged, headerBytes + field, UINT64_MAX - 4095);
    expectReplaced(damaged, "checksum of its header");
  }
}

TEST_F(PackedFile, PlacesAreNotBelievedEither) {
  loaded();
  const std::string whole = contentOf(file);
  for (size_t field : {0u, 8u})
    for (uint64_t place : {UINT64_MAX - 4095, UINT64_C(0), UINT64_C(8192)}) {
      std::string damaged = whole;
      put(damaged, headerBytes + field, place);
      sign(damaged);
      expectReplaced(damaged, "in the wrong places");
    }
}

TEST_F(PackedFile, AnotherVersionIsPackedAnew) {
  loaded();
  const std::string whole = contentOf(file);
  std::string other = whole;
  for (uint64_t version : {1, 7}) { // 1: a weight had one checksum over all of its bytes
    put(other, 8, version);
    expectReplaced(other, "of version " + std::to_string(version) + ", expected 2");
  }
  other = whole;
  // The version of the packed form is part of the description, and so is what its bytes are for sure.
  for (const char *word : {" layout ", " sample ", " k_group ", " panel "}) {
    other = whole;
    size_t at = other.find(word);
    ASSERT_LT(at, 4096u) << word;
    char &last = other[other.find_first_of(" \n", at + std::strlen(word)) - 1];
    last = last == '3' ? '4' : '3';
    sign(other);
    expectReplaced(other, "packed for");
  }
}

TEST_F(PackedFile, DamagedWeightsAreFoundWhereSomebodyAsks) {
  loaded();
  std::string damaged = contentOf(file);
  damaged[4096] ^= 1;
  write(file, damaged);
  options.verify_packed = 1;
  std::string why;
  EXPECT_EQ(loaded(&why), MOE_PACKED_REPLACED);
  EXPECT_NE(why.find("checksum of weight 0"), std::string::npos) << why;
}

// Pieces of 4 MB are hashed and written by different threads; the documentation says what of.
TEST_F(PackedFile, LargeWeightsAreWrittenInPieces) {
  OneWeight large{1100, 1000, 2, /*panel=*/4, /*group=*/2, MOE_F32, {"w"}};
  constexpr size_t bytes = 2 * 1100 * 1000 * sizeof(float), piece = 4 << 20;
  static_assert(bytes > 2 * piece && bytes % piece != 0);
  options.random_weights = 1;
  auto became = [&](std::string *why = nullptr) {
    Layer keep;
    large.packed(options, keep);
    const char *reason;
    moe_packed packed = moe_layer_packed(keep.get(), &reason);
    if (why)
      *why = reason;
    return packed;
  };
  EXPECT_EQ(became(), MOE_PACKED_WRITTEN);
  const std::string serial = contentOf(file);
  std::filesystem::remove(file);
  Pool pool = makePool(3);
  options.pool = pool.get();
  options.verify_packed = 1;
  EXPECT_EQ(became(), MOE_PACKED_WRITTEN);
  const std::string whole = contentOf(file);
  EXPECT_EQ(whole, serial);
  EXPECT_EQ(became(), MOE_PACKED_MAPPED);

  uint64_t offset, checksum;
  std::memcpy(&offset, &whole[headerBytes], 8);
  std::memcpy(&checksum, &whole[headerBytes + 16], 8);
  ASSERT_EQ(whole.size(), offset + (bytes + 4095) / 4096 * 4096);
  std::vector<uint64_t> pieces;
  for (size_t at = 0; at < bytes; at += piece)
    pieces.push_back(XXH3_64bits(whole.data() + offset + at, std::min(piece, bytes - at)));
  EXPECT_EQ(checksum, XXH3_64bits(pieces.data(), pieces.size() * 8));

  for (size_t at : {size_t(0), piece - 1, piece, 2 * piece, bytes - 1}) {
    std::string damaged = whole, why;
    damaged[offset + at] ^= 1;
    write(file, damaged);
    EXPECT_EQ(became(&why), MOE_PACKED_REPLACED) << at;
    EXPECT_EQ(why, "damaged: the checksum of weight 0 is wrong");
    EXPECT_EQ(contentOf(file), whole);
  }
}

TEST_F(PackedFile, WhatIsNoPackedFileIsLeftAlone) {
  for (std::string content : {"", "x", "my only copy of a thesis", "\x89MOEPAC"}) {
    write(file, content);
    EXPECT_NE(refused().find("a file of another kind"), std::string::npos);
    EXPECT_EQ(contentOf(file), content);
  }
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_NE(refused().find("got a folder"), std::string::npos);
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_NE(refused().find("a device or pipe"), std::string::npos);
  EXPECT_EQ(files(), 2);
}

TEST_F(PackedFile, AnotherLayersFileIsLeftAlone) {
  loaded();
  std::string whole = contentOf(file);
  model.layer.name = "moe4";
  EXPECT_NE(refused().find("packed for \"layer moe3"), std::string::npos) << moe_last_error();
  EXPECT_EQ(contentOf(file), whole);
}

TEST_F(PackedFile, WhatBytesFollowFromIsCompared) {
  loaded();
  auto change = [&](const char *reason) {
    std::string why;
    Layer keep;
    model.packed(options, keep);
    const char *text;
    EXPECT_EQ(moe_layer_packed(keep.get(), &text), MOE_PACKED_REPLACED);
    EXPECT_NE(std::string(text).find(reason), std::string::npos) << text;
  };
  model.variant.level = "other";
  change("expected \"level other layout 1\"");
  model.weight.panel = 3;
  change("panel 3");
  model.weight.k_group = 4;
  change("k_group 4");
  model.weight.dtype = MOE_BF16;
  change("dtype bf16");
  moe_expert_range unused = {0, 1};
  model.weight.unused = &unused;
  model.weight.num_unused = 1;
  change("places 1");
  model.weight.format = "int8";
  model.weight.dtype = 0;
  change("format int8");
  options.random_weights = 1;
  options.seed = 5;
  change("expected \"from seed 5\"");
  options.seed = 6;
  change("expected \"from seed 6\"");
}

// The sample alone, of packed values, tells one layout from another.
TEST_F(PackedFile, LayoutsAndFormatsComeBackAsTheyWerePacked) {
  struct Case {
    const char *format;
    int32_t dtype;
    int64_t panel, group;
  };
  const Case cases[] = {{nullptr, MOE_F32, 4, 1},  {nullptr, MOE_F32, 4, 2},  {nullptr, MOE_F32, 0, 0},
                        {nullptr, MOE_BF16, 4, 2}, {nullptr, MOE_BF16, 2, 4}, {"int8", 0, 4, 1},
                        {"int8", 0, 4, 4},         {"int8", MOE_F32, 4, 1},   {"int8", MOE_F32, 0, 0},
                        {"int4:g32", 0, 4, 1},     {"int4:g32", 0, 4, 4},     {"int4:g128", 0, 4, 4},
                        {"mxfp4", 0, 4, 1},        {"mxfp4", 0, 4, 4},        {"fp8:g128", 0, 4, 1}};
  std::set<std::string> samples;
  options.verify_packed = 1;
  for (const Case &each : cases) {
    SCOPED_TRACE(testing::Message() << (each.format ? each.format : "none") << " dtype " << each.dtype << " panel "
                                    << each.panel << " group " << each.group);
    model.weight.format = each.format;
    model.weight.dtype = each.dtype;
    model.weight.panel = each.panel;
    model.weight.k_group = each.group;
    moe_load_options without = options;
    without.packed = nullptr;
    Layer memory, written, mapped;
    std::vector<const void *> inMemory = model.packed(without, memory);
    model.packed(options, written);
    EXPECT_EQ(moe_layer_packed(written.get(), nullptr), samples.empty() ? MOE_PACKED_WRITTEN : MOE_PACKED_REPLACED);
    std::vector<const void *> inFile = model.packed(options, mapped);
    ASSERT_EQ(moe_layer_packed(mapped.get(), nullptr), MOE_PACKED_MAPPED);
    std::string content = contentOf(file);
    size_t bytes = std::stoul(content.substr(content.find(" bytes ") + 7));
    for (size_t e = 0; e < 2; ++e)
      EXPECT_EQ(std::memcmp(inMemory[e], inFile[e], bytes), 0) << "expert " << e;
    EXPECT_TRUE(samples.insert(content.substr(content.find(" sample "), 28)).second);
  }
  EXPECT_EQ(files(), 2);
}

TEST_F(PackedFile, AChangedCheckpointIsPackedAnew) {
  loaded();
  for (float &value : values)
    value = -value;
  // A file of the same size and header; the clock of the file system may not have moved on.
  std::string checkpoint = folder.file("model.safetensors");
  ASSERT_TRUE(moe::writeSafeTensors(checkpoint, {{"w", moe::DType::F32, {2, 5, 7}, values.data()}}).ok());
  std::filesystem::last_write_time(checkpoint, std::filesystem::last_write_time(checkpoint) + std::chrono::seconds(1));
  Layer keep;
  std::vector<const void *> experts = model.packed(options, keep);
  EXPECT_EQ(*static_cast<const float *>(experts[0]), -1);
  const char *reason;
  EXPECT_EQ(moe_layer_packed(keep.get(), &reason), MOE_PACKED_REPLACED);
  EXPECT_NE(std::string(reason).find("model.safetensors"), std::string::npos) << reason;
}

TEST_F(PackedFile, ADigestThatNobodyComparedIsNone) {
  model.desc.digest = "0123";
  loaded();
  options.check_digest = 1; // the digest is wrong: packed without looking, the file does not help
  EXPECT_NE(refused().find("digest"), std::string::npos);
}

TEST_F(PackedFile, FailuresLeaveNothingBehind) {
  options.packed = "";
  EXPECT_NE(refused().find("an empty one"), std::string::npos);
  std::string elsewhere = folder.file("no/such/folder");
  options.packed = elsewhere.c_str();
  EXPECT_NE(refused().find("cannot be written"), std::string::npos);
  options.packed = file.c_str();
  model.names[0] = "missing";
  model.sources[0].name = model.names[0].c_str();
  EXPECT_NE(refused().find("expected a tensor 'missing'"), std::string::npos);
  EXPECT_EQ(files(), 1);
}

TEST_F(PackedFile, ALayerOutlivesItsFile) {
  loaded();
  Layer keep;
  std::vector<const void *> experts = model.packed(options, keep);
  std::filesystem::remove(file);
  EXPECT_EQ(*static_cast<const float *>(experts[0]), 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(experts[0]) % 64, 0u);
}

TEST_F(PackedFile, ManyAtOnceAreSafe) {
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    pid_t pid = fork();
    if (pid == 0) { // nothing of the test framework here
      bool good = true;
      for (int i = 0; i < 20 && good; ++i) {
        moe_library *library = nullptr;
        moe_layer *layer = nullptr;
        good = moe_library_wrap(&model.desc, &library) == MOE_OK &&
               moe_layer_load(library, 0, &options, &layer) == MOE_OK && moe_layer_packed(layer, nullptr) != 0;
        moe_layer_free(layer);
        moe_library_close(library);
        if (child == 0)
          unlink(file.c_str()); // and somebody throws it away again and again
      }
      _exit(good ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) {
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  loaded();
  EXPECT_EQ(loaded(), MOE_PACKED_MAPPED);
  EXPECT_EQ(files(), 2);
}

namespace {
struct Reports {
  std::vector<int64_t> done;
  int64_t total = -1;
};

void note(void *data, int64_t done, int64_t total) {
  auto &reports = *static_cast<Reports *>(data);
  reports.done.push_back(done);
  reports.total = total;
}
} // namespace

TEST_F(PackedFile, ProgressRisesToTheTotal) {
  Pool pool = makePool(2);
  options.pool = pool.get();
  options.progress = note;
  for (bool file : {false, true}) {
    Reports reports;
    options.progress_data = &reports;
    options.packed = file ? this->file.c_str() : nullptr;
    Layer keep;
    model.packed(options, keep);
    // Two experts of two panels, four groups, 4 x 2 floats; and once more to the file.
    EXPECT_EQ(reports.total, 2 * 2 * 4 * 8 * 4 * (file ? 2 : 1));
    ASSERT_FALSE(reports.done.empty());
    EXPECT_EQ(reports.done.back(), reports.total);
    EXPECT_TRUE(std::is_sorted(reports.done.begin(), reports.done.end()));
  }
}
