// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes safetensors files: under a temporary name first, so that the final name only ever holds a whole file.
#include "moe/Checkpoint/SafeTensors.h"
#include "moe/Checkpoint/Text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <unistd.h>

using namespace moe;

static std::string jsonString(std::string_view text) {
  static const char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += char(c);
    } else if (c < 0x20) {
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 15];
    } else {
      out += char(c);
    }
  }
  return out + '"';
}

/// The header's JSON, padded so that the data begins on an eight-byte boundary.
static Expected<std::string> headerText(const std::vector<TensorToWrite> &tensors,
                                        const std::map<std::string, std::string> &metadata,
                                        std::vector<uint64_t> &sizes, const std::string &file) {
  auto fail = [&](const TensorToWrite &tensor, const char *what) {
    return Error{file + ": cannot write tensor " + quote(tensor.name) + ": " + what};
  };
  std::string json = "{";
  if (!metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto &[key, value] : metadata)
      json += (json.back() == '{' ? "" : ",") + jsonString(key) + ":" + jsonString(value);
    json += "}";
  }
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const TensorToWrite &tensor : tensors) {
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second)
      return fail(tensor, "the name is taken");
    uint64_t bytes = dtypeSize(tensor.dtype), end = 0;
    for (int64_t size : tensor.shape)
      if (size < 0 || __builtin_mul_overflow(bytes, uint64_t(size), &bytes))
        return fail(tensor, "the shape has no size");
    if (__builtin_add_overflow(offset, bytes, &end))
      return fail(tensor, "the file would exceed 64 bits");
    json += json.size() > 1 ? "," : "";
    json += jsonString(tensor.name) + ":{\"dtype\":\"" + std::string(dtypeName(tensor.dtype)) +
            "\",\"shape\":" + shapeText(tensor.shape) + ",\"data_offsets\":[" + std::to_string(offset) + "," +
            std::to_string(end) + "]}";
    sizes.push_back(bytes);
    offset = end;
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  return json;
}

static bool writeAll(int fd, const void *data, uint64_t bytes) {
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t wrote = write(fd, from, size_t(std::min<uint64_t>(bytes, uint64_t(1) << 30)));
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return false;
    from += wrote;
    bytes -= uint64_t(wrote);
  }
  return true;
}

Expected<Unit> moe::writeSafeTensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                                     const std::map<std::string, std::string> &metadata) {
  std::string shown = printable(path);
  std::vector<uint64_t> sizes;
  Expected<std::string> json = headerText(tensors, metadata, sizes, shown);
  if (!json)
    return json.error();
  std::string length;
  for (int shift = 0; shift < 64; shift += 8)
    length += char(uint64_t(json->size()) >> shift & 0xff);

  // mkostemp's mode is 0600 whatever the umask; the caller expects an ordinary file, so the name is made here.
  std::string temporary = path + ".tmp" + std::to_string(getpid());
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool good = fd >= 0 && writeAll(fd, length.data(), length.size()) && writeAll(fd, json->data(), json->size());
  for (size_t i = 0; good && i < tensors.size(); ++i)
    good = writeAll(fd, tensors[i].data, sizes[i]);
  int why = errno;
  if (fd >= 0 && close(fd) != 0 && good) {
    good = false;
    why = errno;
  }
  if (good && rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    why = errno;
  }
  if (good)
    return Unit{};
  if (fd >= 0)
    unlink(temporary.c_str());
  char text[256];
  return Error{shown + ": cannot be written: " + strerror_r(why, text, sizeof text)};
}
