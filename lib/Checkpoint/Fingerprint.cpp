// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names, sizes and times of a checkpoint's files.
#include "moe/Checkpoint/Fingerprint.h"

#include "moe/Checkpoint/Text.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>
#include <sys/stat.h>

using namespace moe;

static Error unreadable(const std::string &path) {
  char text[256];
  return Error{printable(path) + ": cannot be looked at: " + strerror_r(errno, text, sizeof text)};
}

Expected<std::string> moe::fingerprint(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0)
    return unreadable(path);
  std::string folder, single = path;
  std::set<std::string> names;
  if (S_ISDIR(info.st_mode)) {
    folder = path + "/";
    single = folder + "model.safetensors";
    if (lstat(single.c_str(), &info) == 0) { // preferred to shards
      names.insert("model.safetensors");
    } else {
      // The index says which of them count; all of them are as good for noticing a change, and cheaper.
      std::error_code error;
      for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
           entry.increment(error)) {
        std::string name = entry->path().filename();
        if (entry->path().extension() == ".safetensors" || name == "model.safetensors.index.json")
          names.insert(std::move(name));
      }
      if (error)
        return Error{printable(path) + ": cannot be listed: " + error.message()};
    }
  } else {
    size_t slash = path.rfind('/');
    folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    names.insert(path.substr(folder.size()));
  }
  std::string lines;
  for (const std::string &name : names) {
    if (stat((folder + name).c_str(), &info) != 0)
      return unreadable(folder + name);
    char time[32];
    snprintf(time, sizeof time, "%lld.%09ld", static_cast<long long>(info.st_mtim.tv_sec), info.st_mtim.tv_nsec);
    lines += "file " + oneLine(name) + " " + std::to_string(info.st_size) + " " + time + "\n";
  }
  return lines;
}
