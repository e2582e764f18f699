// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// pread with the checks that a file from outside needs: regular, complete, unchanged, inside its folder.
#include "moe/Checkpoint/File.h"

#include "moe/Checkpoint/Text.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace moe;

static std::string reason() {
  char text[256];
  // strerror is not thread-safe; this is the GNU variant, which may or may not use the buffer.
  return strerror_r(errno, text, sizeof text);
}

Expected<File> File::open(const std::string &path, const std::string &name) {
  File file;
  file.fileName = printable(name);
  auto fail = [&](const std::string &what) { return Error{file.fileName + ": " + what}; };
  struct stat info;
  // Looked at first, since opening some devices has effects.
  if (stat(path.c_str(), &info) != 0)
    return fail("cannot be opened: " + reason());
  if (!S_ISREG(info.st_mode))
    return fail(S_ISDIR(info.st_mode) ? "expected a file, got a folder" : "expected a regular file");
  file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file.fd < 0 || fstat(file.fd, &info) != 0)
    return fail("cannot be opened: " + reason());
  if (!S_ISREG(info.st_mode))
    return fail("expected a regular file");
  file.fileSize = uint64_t(info.st_size);
  file.seconds = info.st_mtim.tv_sec;
  file.nanoseconds = info.st_mtim.tv_nsec;
  return file;
}

File::File(File &&other) noexcept { *this = std::move(other); }

File &File::operator=(File &&other) noexcept {
  std::swap(fd, other.fd);
  std::swap(fileSize, other.fileSize);
  std::swap(seconds, other.seconds);
  std::swap(nanoseconds, other.nanoseconds);
  std::swap(fileName, other.fileName);
  return *this;
}

File::~File() {
  if (fd >= 0)
    ::close(fd);
}

Expected<Unit> File::checkUnchanged() const {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return Error{fileName + ": cannot be read: " + reason()};
  if (uint64_t(info.st_size) != fileSize || info.st_mtim.tv_sec != seconds || info.st_mtim.tv_nsec != nanoseconds)
    return Error{fileName + ": the file changed since it was opened (" + std::to_string(fileSize) +
                 " bytes then); start again when nothing writes to it"};
  return Unit{};
}

Expected<Unit> File::read(uint64_t offset, void *dst, uint64_t bytes) const {
  if (offset > fileSize || bytes > fileSize - offset)
    return Error{fileName + ": bytes " + std::to_string(offset) + " to " + std::to_string(offset + bytes) +
                 " are outside the file of " + std::to_string(fileSize) + " bytes"};
  char *to = static_cast<char *>(dst);
  while (bytes > 0) {
    // Linux transfers at most 2 GiB a call anyway; smaller pieces keep the count inside ssize_t everywhere.
    size_t piece = size_t(std::min<uint64_t>(bytes, uint64_t(1) << 30));
    ssize_t got = pread(fd, to, piece, off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return Error{fileName + ": cannot be read: " + reason()};
    if (got == 0) // shorter than it was
      break;
    to += got;
    offset += uint64_t(got);
    bytes -= uint64_t(got);
  }
  Expected<Unit> unchanged = checkUnchanged();
  if (!unchanged || bytes == 0)
    return unchanged;
  return Error{fileName + ": ended " + std::to_string(bytes) + " bytes early"};
}

std::function<Expected<std::string_view>()> moe::readInPieces(const File &file, uint64_t offset, uint64_t bytes) {
  static constexpr uint64_t most = 64 * 1024;
  return [&file, offset, left = bytes, buffer = std::string()]() mutable -> Expected<std::string_view> {
    buffer.resize(size_t(std::min(left, most)));
    if (Expected<Unit> read = file.read(offset, buffer.data(), buffer.size()); !read)
      return read.error();
    offset += buffer.size();
    left -= buffer.size();
    return std::string_view(buffer);
  };
}

Expected<std::string> moe::readTextFile(const std::string &path, uint64_t maxBytes) {
  Expected<File> file = File::open(path, path);
  if (!file)
    return file.error();
  if (file->size() > maxBytes)
    return Error{file->name() + ": expected at most " + std::to_string(maxBytes) + " bytes, got " +
                 std::to_string(file->size())};
  std::string text(file->size(), '\0');
  Expected<Unit> read = file->read(0, text.data(), text.size());
  if (!read)
    return read.error();
  return text;
}

/// The path without symbolic links; empty with errno set when there is no such file.
static std::string realPath(const std::string &path) {
  char *resolved = realpath(path.c_str(), nullptr);
  if (!resolved)
    return "";
  std::string result = resolved;
  free(resolved);
  return result;
}

static bool isInside(const std::string &path, std::string folder) {
  if (folder.empty() || folder.back() != '/')
    folder += '/';
  return path.compare(0, folder.size(), folder) == 0;
}

Expected<std::string> moe::resolveInside(const std::string &folder, const std::string &name) {
  std::string shown = printable(folder) + "/" + printable(name);
  std::string root = realPath(folder.empty() ? "." : folder);
  if (root.empty())
    return Error{printable(folder) + ": cannot be opened: " + reason()};
  std::string target = realPath(root + "/" + name);
  if (target.empty())
    return Error{shown + ": " + (errno == ENOENT ? "missing" : "cannot be opened: " + reason())};
  if (isInside(target, root))
    return target;

  size_t slash = root.rfind('/');
  std::string parent = root.substr(0, slash);
  size_t parentSlash = parent.rfind('/');
  if (parentSlash != std::string::npos && parent.substr(parentSlash) == "/snapshots" &&
      isInside(target, parent.substr(0, parentSlash) + "/blobs"))
    return target;
  return Error{shown + ": leads out of the folder; expected a file inside it, copy the file there"};
}
