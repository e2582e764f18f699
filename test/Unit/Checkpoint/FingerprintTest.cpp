// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// What tells one state of a checkpoint's files from another, and the text that it is kept as.
//===----------------------------------------------------------------------===//
#include "moe/Checkpoint/Fingerprint.h"

#include "TempFolder.h"
#include "moe/Checkpoint/Text.h"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>

using moe::fingerprint;
using moe::oneLine;

static std::string of(const std::string &path) {
  auto lines = fingerprint(path);
  EXPECT_TRUE(lines.ok()) << lines.message();
  return *lines;
}

TEST(Fingerprint, HasALineForEachFileThatCounts) {
  TempFolder folder;
  folder.write("b.safetensors", "12345");
  folder.write("a.safetensors", "123");
  folder.write("model.safetensors.index.json", "{}");
  folder.write("config.json", "not weights");
  const std::string lines = of(folder.path);
  EXPECT_EQ(lines.find("file a.safetensors 3 "), 0u) << lines;
  EXPECT_NE(lines.find("\nfile b.safetensors 5 "), std::string::npos) << lines;
  EXPECT_NE(lines.find("\nfile model.safetensors.index.json 2 "), std::string::npos) << lines;
  EXPECT_EQ(lines.find("config"), std::string::npos) << lines;

  folder.write("model.safetensors", "1"); // is preferred to shards, which count no more
  const std::string single = of(folder.path);
  EXPECT_EQ(single.find("file model.safetensors 1 "), 0u) << single;
  EXPECT_EQ(single.find('\n'), single.size() - 1);
  EXPECT_EQ(of(folder.file("model.safetensors")), single);
}

TEST(Fingerprint, ChangesWithSizeAndTime) {
  TempFolder folder;
  const std::string file = folder.file("model.safetensors");
  folder.write("model.safetensors", "12345");
  const std::string before = of(folder.path);
  EXPECT_EQ(of(folder.path), before);
  const auto time = std::filesystem::last_write_time(file);
  std::filesystem::last_write_time(file, time + std::chrono::nanoseconds(1));
  EXPECT_NE(of(folder.path), before);
  folder.write("model.safetensors", "1234567");
  std::filesystem::last_write_time(file, time);
  EXPECT_NE(of(folder.path), before);
}

TEST(Fingerprint, SurvivesAMove) {
  TempFolder folder;
  std::filesystem::create_directory(folder.file("here"));
  folder.write("here/model.safetensors", "12345");
  const std::string before = of(folder.file("here"));
  std::filesystem::rename(folder.file("here"), folder.file("there"));
  EXPECT_EQ(of(folder.file("there")), before);
}

TEST(Fingerprint, OfNothingIsRefused) {
  TempFolder folder;
  auto lines = fingerprint(folder.file("missing"));
  ASSERT_FALSE(lines.ok());
  EXPECT_NE(lines.message().find("cannot be looked at"), std::string::npos) << lines.message();
}

TEST(Text, OneLineKeepsDifferentTextsDifferent) {
  EXPECT_EQ(oneLine("model.layers.{e} w"), "model.layers.{e} w");
  EXPECT_EQ(oneLine("a\nb"), "a\\x0ab");
  EXPECT_EQ(oneLine("a\\x0ab"), "a\\x5cx0ab");
  EXPECT_EQ(oneLine(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(oneLine("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(oneLine(std::string(500, 'a')), std::string(500, 'a'));
}
