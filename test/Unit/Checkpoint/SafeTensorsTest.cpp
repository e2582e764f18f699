// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header checks one by one, each by a header that is right but for one thing; and the writer, read back.
#include "moe/Checkpoint/SafeTensors.h"

#include "TempFolder.h"
#include "moe/Checkpoint/Checkpoint.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace moe;

/// The message for a header over `data` bytes of tensor data; empty when it is accepted.
/// The header of a file with `data` bytes behind it, read in pieces of `most` bytes.
static Expected<SafeTensorsHeader> parse(std::string_view json, uint64_t data, size_t most) {
  uint64_t bytes = json.size();
  auto pieces = [&]() -> Expected<std::string_view> {
    std::string_view piece = json.substr(0, most);
    json.remove_prefix(piece.size());
    return piece;
  };
  return parseSafeTensorsHeader(pieces, bytes, 8 + bytes + data, "f");
}

/// What is wrong with a header, which does not depend on the pieces it comes in.
static std::string problem(const std::string &json, uint64_t data) {
  Expected<SafeTensorsHeader> header = parse(json, data, json.size());
  for (size_t most : {1, 2, 3, 7}) {
    Expected<SafeTensorsHeader> other = parse(json, data, most);
    EXPECT_EQ(header ? "" : header.message(), other ? "" : other.message()) << "in pieces of " << most;
  }
  return header ? "" : header.message();
}

TEST(SafeTensorsHeader, Accepts) {
  std::string json = R"({"__metadata__": {"format": "pt"},
    "b": {"dtype": "F32", "shape": [2, 3], "data_offsets": [3, 27]},
    "a": {"shape": [3], "data_offsets": [0, 3], "dtype": "U8"},
    "scalar": {"dtype": "BF16", "shape": [], "data_offsets": [27, 29]},
    "empty": {"dtype": "F32", "shape": [0, 5], "data_offsets": [27, 27]}}   )";
  Expected<SafeTensorsHeader> header = parse(json, 29, 5);
  ASSERT_TRUE(header.ok()) << header.message();
  ASSERT_EQ(header->tensors.size(), 4u);
  const TensorInfo &b = header->tensors[1]; // name order
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.dtype, DType::F32);
  EXPECT_EQ(b.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(b.begin, 8 + json.size() + 3); // unaligned, absolute
  EXPECT_EQ(b.bytes(), 24u);
  EXPECT_EQ(problem("{}", 0), "");
}

TEST(SafeTensorsHeader, RefusesWrongStructure) {
  auto tensor = [](const std::string &body) { return "{\"w\": " + body + "}"; };
  const std::pair<std::string, const char *> cases[] = {
      {"[]", "f: expected the header to be an object, got an array"},
      {"3", "f: expected the header to be an object, got 3"},
      {tensor("1"), "f: tensor \"w\": expected an object with dtype, shape and data_offsets, got 1"},
      {tensor(R"({"dtype": "F32", "shape": [1]})"), "f: tensor \"w\": has no data_offsets"},
      {tensor(R"({"shape": [1], "data_offsets": [0, 4]})"), "f: tensor \"w\": has no dtype"},
      {tensor(R"({"dtype": "F32", "data_offsets": [0, 4]})"), "f: tensor \"w\": has no shape"},
      {tensor(R"({"dtype": "F33", "shape": [1], "data_offsets": [0, 4]})"), "f: tensor \"w\": unknown dtype \"F33\""},
      {tensor(R"({"dtype": 1, "shape": [1], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": expected the name of a dtype, got 1"},
      {tensor(R"({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": expected sizes and offsets of at least 0, got -1"},
      {tensor(R"({"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": expected an integer in the shape, got 1.0"},
      {tensor(R"({"dtype": "F32", "shape": [18446744073709551616], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": expected an integer in the shape, got 18446744073709551616"},
      {tensor(R"({"dtype": "F32", "shape": 1, "data_offsets": [0, 4]})"), "f: tensor \"w\": expected a shape, got 1"},
      {tensor(R"({"dtype": "F32", "shape": [[1]], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": expected an integer in the shape, got an array"},
      {tensor(R"({"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,1], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": more than 8 dimensions"},
      {tensor(R"({"dtype": "F32", "shape": [1], "data_offsets": [4]})"),
       "f: tensor \"w\": expected 2 data_offsets, got 1"},
      {tensor(R"({"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]})"),
       "f: tensor \"w\": expected 2 data_offsets, got more"},
      {tensor(R"({"dtype": "F32", "shape": [1], "data_offsets": [0, 1e1]})"),
       "f: tensor \"w\": expected two integers as data_offsets, got 1e1"},
      {tensor(R"({"dtype": "F32", "shape": [1], "data_offsets": [4, 0]})"),
       "f: tensor \"w\": data_offsets [4, 0] run backwards"},
      {tensor(R"({"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "x": 1})"),
       "f: tensor \"w\": unknown field \"x\", expected dtype, shape and data_offsets"},
      {tensor(R"({"dtype": "F32", "shape": [1], "shape": [1], "data_offsets": [0, 4]})"), "f: duplicate key \"shape\""},
      {tensor(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": F32 [2] takes 8 bytes, but data_offsets [0, 4] span 4"},
      {tensor(R"({"dtype": "F32", "shape": [4194305, 4194305, 211106198978564], "data_offsets": [0, 4]})"),
       "f: tensor \"w\": shape F32 [4194305, 4194305, 211106198978564] overflows 64 bits"},
      {R"({"__metadata__": {"a": 1}})", "f: __metadata__: expected a string for \"a\", got 1"},
      {R"({"__metadata__": []})", "f: __metadata__: expected an object of strings, got an array"},
      {R"({"a\u0000b": {}})", "f: tensor name \"a\\x00b\" holds a NUL character"},
      {R"({"a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]},
           "a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}})",
       "f: duplicate key \"a\""},
  };
  for (const auto &[json, expected] : cases)
    EXPECT_EQ(problem(json, 4), expected) << json;
}

TEST(SafeTensorsHeader, RefusesWrongTiling) {
  auto two = [](const char *a, const char *b) {
    return std::string("{\"a\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": ") + a +
           "}, \"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": " + b + "}}";
  };
  EXPECT_EQ(problem(two("[0, 4]", "[4, 8]"), 8), "");
  EXPECT_EQ(problem(two("[4, 8]", "[0, 4]"), 8), "");
  EXPECT_EQ(problem(two("[0, 4]", "[3, 7]"), 7), "f: tensors \"a\" and \"b\" overlap");
  EXPECT_EQ(problem(two("[0, 4]", "[0, 4]"), 4), "f: tensors \"a\" and \"b\" overlap");
  EXPECT_EQ(problem(two("[0, 4]", "[5, 9]"), 9), "f: bytes 4 to 5 of the data belong to no tensor");
  EXPECT_EQ(problem(two("[1, 5]", "[5, 9]"), 9), "f: bytes 0 to 1 of the data belong to no tensor");
  EXPECT_EQ(problem(two("[0, 4]", "[4, 8]"), 11), "f: 3 bytes follow the last tensor");
  EXPECT_EQ(problem("{}", 1), "f: 1 bytes follow the last tensor");
  EXPECT_EQ(
      problem(two("[0, 4]", "[4, 8]"), 6),
      "f: tensor \"b\" ends at byte 8 of the data, but the file holds only 6; it may be truncated, fetch it again");
}

TEST(SafeTensorsWriter, ReadsBack) {
  TempFolder folder;
  float a[6] = {1, 2, 3, 4, 5, 6};
  int32_t b = -5;
  std::string path = folder.file("out.safetensors");
  Expected<Unit> written = writeSafeTensors(
      path,
      {{"moe0.\"a\"\n", DType::F32, {2, 3}, a}, {"b", DType::I32, {}, &b}, {"none", DType::BF16, {0, 7}, nullptr}},
      {{"tool", "a \\ \x01"}});
  ASSERT_TRUE(written.ok()) << written.message();
  Expected<std::unique_ptr<Checkpoint>> read = Checkpoint::open(path);
  ASSERT_TRUE(read.ok()) << read.message();
  const TensorInfo *info = (*read)->find("moe0.\"a\"\n");
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(info->begin % 8, 0u);
  float back[6] = {};
  ASSERT_TRUE((*read)->read(*info, 0, back, sizeof back).ok());
  EXPECT_EQ(std::memcmp(a, back, sizeof a), 0);
  EXPECT_EQ((*read)->find("none")->bytes(), 0u);
  // Nothing but the file itself is left.
  size_t files = 0;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator(folder.path))
    ++files;
  EXPECT_EQ(files, 1u);
}

TEST(SafeTensorsWriter, Refuses) {
  TempFolder folder;
  char byte = 0;
  std::string path = folder.write("old.safetensors", "precious");
  Expected<Unit> twice = writeSafeTensors(path, {{"a", DType::U8, {1}, &byte}, {"a", DType::U8, {1}, &byte}});
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(twice.message().find("cannot write tensor \"a\": the name is taken"), std::string::npos);
  EXPECT_FALSE(writeSafeTensors(path, {{"a", DType::U8, {-1}, &byte}}).ok());
  EXPECT_EQ(std::filesystem::file_size(path), 8u);
  Expected<Unit> nowhere = writeSafeTensors(folder.file("no/such/folder"), {});
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.message().find("cannot be written: No such file or directory"), std::string::npos);
}
