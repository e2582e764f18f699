// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder that lives as long as a test, and files of chosen bytes in it.
#ifndef MOE_TEST_UNIT_CHECKPOINT_TEMPFOLDER_H
#define MOE_TEST_UNIT_CHECKPOINT_TEMPFOLDER_H

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

class TempFolder {
public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "moe-test-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;

  std::string file(const std::string &name) const { return path + "/" + name; }

  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }

  std::string path;
};

/// The bytes of a safetensors file with this header text and data.
inline std::string safetensors(const std::string &json, const std::string &data = "") {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8)
    bytes += char(uint64_t(json.size()) >> shift & 0xff);
  return bytes + json + data;
}

#endif // MOE_TEST_UNIT_CHECKPOINT_TEMPFOLDER_H
