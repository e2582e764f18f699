// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opening folders: one file, shards, and everything that may be wrong with an index; reading while a file changes.
#include "moe/Checkpoint/Checkpoint.h"

#include "TempFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

using namespace moe;
namespace fs = std::filesystem;

static std::string header(const std::string &name, int bytes) {
  return "\"" + name + "\": {\"dtype\": \"U8\", \"shape\": [" + std::to_string(bytes) + "], \"data_offsets\": [0, " +
         std::to_string(bytes) + "]}";
}

static std::string oneTensor(const std::string &name, const std::string &data) {
  return safetensors("{" + header(name, int(data.size())) + "}", data);
}

static std::string problem(const std::string &path) {
  Expected<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::open(path);
  return checkpoint ? "" : checkpoint.message();
}

TEST(Checkpoint, SingleFile) {
  TempFolder folder;
  EXPECT_FALSE(Checkpoint::present(folder.path));
  EXPECT_EQ(problem(folder.path),
            folder.path + ": no weights; expected model.safetensors or model.safetensors.index.json in the folder");
  folder.write("model.safetensors", oneTensor("w", "hello"));
  folder.write("reference.safetensors", "not looked at");
  EXPECT_TRUE(Checkpoint::present(folder.path));
  for (const std::string &path : {folder.path, folder.path + "/", folder.file("model.safetensors")}) {
    Expected<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::open(path);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.message();
    const TensorInfo *w = (*checkpoint)->find("w");
    ASSERT_NE(w, nullptr);
    EXPECT_EQ((*checkpoint)->find("v"), nullptr);
    char text[3] = {};
    ASSERT_TRUE((*checkpoint)->read(*w, 1, text, 3).ok());
    EXPECT_EQ(std::string(text, 3), "ell");
    EXPECT_FALSE((*checkpoint)->read(*w, 3, text, 3).ok());
    EXPECT_FALSE((*checkpoint)->read(*w, UINT64_MAX, text, 2).ok());
    EXPECT_TRUE((*checkpoint)->read(*w, 5, nullptr, 0).ok());
  }
}

TEST(Checkpoint, Shards) {
  TempFolder folder;
  folder.write("b.safetensors", oneTensor("x", "xx"));
  folder.write("a.safetensors", oneTensor("y", "yyy"));
  folder.write("model.safetensors.index.json",
               R"({"metadata": {"total_size": 5}, "weight_map": {"x": "b.safetensors", "y": "a.safetensors"}})");
  Expected<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::open(folder.path);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.message();
  ASSERT_EQ((*checkpoint)->tensors().size(), 2u);
  EXPECT_EQ((*checkpoint)->tensors()[0].name, "x");
  const TensorInfo *y = (*checkpoint)->find("y");
  ASSERT_NE(y, nullptr);
  EXPECT_EQ((*checkpoint)->fileOf(*y), folder.file("a.safetensors"));
  char text[3] = {};
  ASSERT_TRUE((*checkpoint)->read(*y, 0, text, 3).ok());
  EXPECT_EQ(std::string(text, 3), "yyy");
}

TEST(Checkpoint, DigestFollowsTheHeaders) {
  TempFolder folder;
  auto digest = [&](const std::string &bytes) {
    return (*Checkpoint::open(folder.write("model.safetensors", bytes)))->digest();
  };
  std::string first = digest(oneTensor("w", "hello"));
  EXPECT_EQ(first.size(), 64u);
  EXPECT_EQ(first, digest(oneTensor("w", "world")));
  EXPECT_NE(first, digest(oneTensor("v", "hello")));
  EXPECT_NE(first, digest(oneTensor("w", "hell")));
}

TEST(Checkpoint, RefusesBadFiles) {
  TempFolder folder;
  auto with = [&](const std::string &bytes) {
    return problem(folder.write("model.safetensors", bytes)).substr(folder.path.size());
  };
  const std::string at = "/model.safetensors: ";
  EXPECT_EQ(with(""), at + "expected a safetensors file, got only 0 bytes");
  EXPECT_EQ(with("1234567"), at + "expected a safetensors file, got only 7 bytes");
  EXPECT_EQ(with(safetensors("")), at + "expected a safetensors header that begins with '{'");
  EXPECT_EQ(with(safetensors(" {}")), at + "expected a safetensors header that begins with '{'");
  EXPECT_EQ(with(std::string("\3\0\0\0\0\0\0\0{}", 10)),
            at + "header of 3 bytes does not fit into the file of 10; it may be truncated, fetch it again");
  EXPECT_EQ(with(std::string("\0\0\0\0\0\0\0\x80{}", 10)),
            at + "expected a safetensors header of at most 100000000 bytes, got 9223372036854775808");
  EXPECT_EQ(with(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)),
            at + "expected a safetensors header of at most 100000000 bytes, got 100000001");
}

TEST(Checkpoint, RefusesWhatIsNoFile) {
  TempFolder folder;
  EXPECT_EQ(problem(folder.file("none")), folder.file("none") + ": cannot be opened: No such file or directory");
  fs::create_directory(folder.file("model.safetensors"));
  EXPECT_EQ(problem(folder.path), folder.file("model.safetensors") + ": expected a file, got a folder");
  fs::remove(folder.file("model.safetensors"));
  // A pipe without a writer would block a naive open for ever.
  ASSERT_EQ(mkfifo(folder.file("model.safetensors").c_str(), 0600), 0);
  EXPECT_EQ(problem(folder.path), folder.file("model.safetensors") + ": expected a regular file");
  fs::remove(folder.file("model.safetensors"));
  fs::create_symlink("/dev/zero", folder.file("model.safetensors"));
  EXPECT_NE(problem(folder.path).find("leads out of the folder"), std::string::npos);
  EXPECT_NE(problem(folder.file("model.safetensors")).find("expected a regular file"), std::string::npos);
  fs::remove(folder.file("model.safetensors"));
  fs::create_symlink("model.safetensors", folder.file("model.safetensors"));
  EXPECT_NE(problem(folder.path).find("cannot be opened: Too many levels of symbolic links"), std::string::npos);
}

TEST(Checkpoint, RefusesBadIndexes) {
  TempFolder folder, outside;
  folder.write("a.safetensors", oneTensor("x", "xx"));
  folder.write("b.safetensors", oneTensor("x", "yy"));
  folder.write("c.safetensors", oneTensor("z", "zz"));
  outside.write("out.safetensors", oneTensor("x", "secret"));
  fs::create_symlink(outside.file("out.safetensors"), folder.file("link.safetensors"));
  fs::create_symlink("a.safetensors", folder.file("inner.safetensors"));
  auto with = [&](const std::string &index) {
    folder.write("model.safetensors.index.json", index);
    std::string message = problem(folder.path);
    return message.empty() ? message : message.substr(folder.path.size());
  };
  auto map = [&](const std::string &entries) { return with("{\"weight_map\": {" + entries + "}}"); };
  const std::string at = "/model.safetensors.index.json: ";
  EXPECT_EQ(map(R"("x": "a.safetensors")"), "");
  EXPECT_EQ(map(R"("x": "inner.safetensors")"), "");
  EXPECT_EQ(with("[]"), at + "expected an object with a weight_map, got an array");
  EXPECT_EQ(with("{}"), at + "no weight_map from tensors to files");
  EXPECT_EQ(with(R"({"weight_map": [1]})"), at + "expected an object weight_map from tensors to files, got an array");
  EXPECT_EQ(with(R"({"weight_map": {"x": {"y": "a.safetensors"}}})"),
            at + "weight_map, tensor \"x\": expected a string, got an object");
  EXPECT_EQ(with(R"({"metadata": {"weight_map": {"x": "../y"}}, "weight_map": {"x": "a.safetensors"}, "z": [[1]]})"),
            "");
  EXPECT_EQ(map(""), at + "weight_map names no tensor");
  EXPECT_EQ(map(R"("x": 1)"), at + "weight_map, tensor \"x\": expected a string, got 1");
  std::string other = outside.file("out.safetensors");
  for (const std::string &name : std::vector<std::string>{"../" + other, other, "./a.safetensors", "sub/a.safetensors",
                                                          "..", "", "a.bin", ".safetensors", ".hidden.safetensors"})
    EXPECT_EQ(map("\"x\": \"" + std::string(name) + "\""),
              at + "weight_map, tensor \"x\": expected the name of a *.safetensors file in the folder, got \"" + name +
                  "\"");
  EXPECT_NE(map(R"("x": "a\u0000.safetensors")").find("expected the name of a *.safetensors file"), std::string::npos);
  EXPECT_EQ(map(R"("x": "link.safetensors")"),
            "/link.safetensors: leads out of the folder; expected a file inside it, copy the file there; "
            "model.safetensors.index.json names it");
  EXPECT_EQ(map(R"("x": "gone.safetensors")"), "/gone.safetensors: missing; model.safetensors.index.json names it");
  EXPECT_EQ(map(R"("x": "a.safetensors", "y": "a.safetensors")"),
            at + "tensor \"y\" is not in \"a.safetensors\", where weight_map puts it");
  EXPECT_EQ(map(R"("z": "a.safetensors", "x": "c.safetensors")"),
            at + "tensor \"z\" is not in \"a.safetensors\", where weight_map puts it");
  EXPECT_EQ(map(R"("x": "a.safetensors", "q": "b.safetensors")"),
            "/b.safetensors: tensor \"x\" is also in " + folder.file("a.safetensors") + "; expected it in one shard");
}

TEST(Checkpoint, FollowsTheHubCacheLayout) {
  TempFolder cache;
  fs::create_directories(cache.file("models--a/blobs"));
  fs::create_directories(cache.file("models--a/snapshots/rev"));
  cache.write("models--a/blobs/123", oneTensor("w", "hello"));
  cache.write("secret", oneTensor("w", "secret"));
  std::string link = cache.file("models--a/snapshots/rev/model.safetensors");
  fs::create_symlink("../../blobs/123", link);
  EXPECT_EQ(problem(cache.file("models--a/snapshots/rev")), "");
  fs::remove(link);
  fs::create_symlink("../../../secret", link);
  EXPECT_NE(problem(cache.file("models--a/snapshots/rev")).find("leads out of the folder"), std::string::npos);
}

TEST(Checkpoint, NoticesChanges) {
  TempFolder folder;
  std::string path = folder.write("model.safetensors", oneTensor("w", std::string(100'000, 'w')));
  Expected<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::open(path);
  ASSERT_TRUE(checkpoint.ok());
  const TensorInfo &w = *(*checkpoint)->find("w");
  std::string data(w.bytes(), '\0');
  ASSERT_TRUE((*checkpoint)->read(w, 0, data.data(), data.size()).ok());
  fs::resize_file(path, 50'000);
  Expected<Unit> read = (*checkpoint)->read(w, 0, data.data(), data.size());
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.message().find("the file changed since it was opened"), std::string::npos);
  // The old size again, but other bytes; the clock of the file system may be too coarse to tell by itself.
  fs::resize_file(path, w.end);
  fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_FALSE((*checkpoint)->read(w, 0, data.data(), 1).ok());
}

TEST(Checkpoint, ReadsFromManyThreads) {
  TempFolder folder;
  std::string bytes(1 << 16, '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = char(i * 7 + i / 251);
  Expected<std::unique_ptr<Checkpoint>> checkpoint =
      Checkpoint::open(folder.write("model.safetensors", oneTensor("w", bytes)));
  ASSERT_TRUE(checkpoint.ok());
  const TensorInfo &w = *(*checkpoint)->find("w");
  std::vector<std::thread> threads;
  std::vector<int> good(8);
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (uint64_t at = uint64_t(t); at + 1000 <= bytes.size(); at += 997) {
        char piece[1000];
        good[t] +=
            (*checkpoint)->read(w, at, piece, sizeof piece).ok() && bytes.compare(at, 1000, piece, 1000) == 0 ? 0 : 1;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, std::vector<int>(8));
}
