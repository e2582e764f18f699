// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The file itself. A header read by pread is compared with what the file has to be, number by number and line by line,
// so that a file can be right or wrong but not lead anywhere; only a file of the right size is mapped.
//===----------------------------------------------------------------------===//
#include "PackedFile.h"

#include "Error.h"
#include "moe/Checkpoint/Text.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace moe;

static_assert(std::endian::native == std::endian::little, "packed files are little-endian");

namespace {

constexpr char magic[8] = {'\x89', 'M', 'O', 'E', 'P', 'A', 'C', 'K'};
constexpr uint64_t version = 2, page = 4096, mostDescription = 64 << 20, mostWeights = 1 << 16;
constexpr uint64_t pieceBytes = 4 << 20; // of a weight: hashed at once, and written while it is in the cache

struct Header {
  char magic[8];
  uint64_t version;
  uint64_t fileBytes;
  uint64_t descriptionBytes;
  uint64_t weights;
  uint64_t checksum; // of this header with 0 here, the table and the description
  uint64_t reserved[2];
};
static_assert(sizeof(Header) == 64);

struct Entry {
  uint64_t offset, bytes, checksum; // of the checksums of the weight's pieces
};

/// All weights of a file in pieces, a task each.
class Pieces {
public:
  struct Piece {
    size_t weight;
    uint64_t at, bytes; // in the weight
    uint64_t checksum;
  };

  explicit Pieces(const std::vector<int64_t> &weights) {
    for (size_t w = 0; w < weights.size(); ++w)
      for (uint64_t at = 0; at < uint64_t(weights[w]); at += pieceBytes)
        all.push_back({w, at, std::min(pieceBytes, uint64_t(weights[w]) - at), 0});
  }

  /// each(piece) for all of them, on the threads of `pool`, in no order.
  template <typename Each>
  void forEach(moe_pool *pool, const Each &each) {
    auto call = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        each(all[size_t(i)]);
    };
    moe_parallel_for(
        pool, int64_t(all.size()),
        [](void *data, int64_t begin, int64_t end) { (*static_cast<decltype(call) *>(data))(begin, end); }, &call);
  }

  uint64_t checksumOf(size_t weight) const {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (const Piece &piece : all)
      if (piece.weight == weight)
        XXH3_64bits_update(&state, &piece.checksum, sizeof piece.checksum);
    return XXH3_64bits_digest(&state);
  }

private:
  std::vector<Piece> all;
};

uint64_t roundUp(uint64_t bytes) { return (bytes + page - 1) / page * page; }

uint64_t checksumOf(Header header, const std::vector<Entry> &table, std::string_view description) {
  header.checksum = 0;
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, &header, sizeof header);
  XXH3_64bits_update(&state, table.data(), table.size() * sizeof(Entry));
  XXH3_64bits_update(&state, description.data(), description.size());
  return XXH3_64bits_digest(&state);
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0)
      close(fd);
  }
};

} // namespace

FileMapping::~FileMapping() {
  if (start)
    munmap(const_cast<char *>(start), size);
}

uint64_t PackedContents::offsetOf(size_t weight) const {
  uint64_t offset = roundUp(sizeof(Header) + bytes.size() * sizeof(Entry) + owner.size() + details.size());
  for (size_t w = 0; w < weight; ++w)
    offset += roundUp(uint64_t(bytes[w]));
  return offset;
}

static bool readAt(int fd, void *to, size_t bytes, uint64_t offset) {
  auto *next = static_cast<char *>(to);
  while (bytes > 0) {
    ssize_t got = pread(fd, next, std::min<size_t>(bytes, size_t(1) << 30), off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    next += got;
    offset += uint64_t(got);
    bytes -= size_t(got);
  }
  return true;
}

/// The first line in which two descriptions differ, as words.
static std::string firstDifference(std::string_view got, std::string_view expected) {
  auto line = [](std::string_view &text) {
    std::string_view first = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), first.size() + 1));
    return first;
  };
  while (!got.empty() || !expected.empty()) {
    std::string_view had = line(got), wanted = line(expected);
    if (had != wanted)
      return "packed for " + quote(had) + ", expected " + quote(wanted);
  }
  return "the same";
}

/// What is wrong with an open file that begins with the magic, or nothing. `foreign`: it is another layer's, and whole.
static std::string fault(int fd, uint64_t size, const PackedContents &contents, std::vector<Entry> &table,
                         bool &foreign) {
  Header header;
  if (size < sizeof header || !readAt(fd, &header, sizeof header, 0))
    return "cut short: " + std::to_string(size) + " bytes";
  if (header.version != version)
    return "of version " + std::to_string(header.version) + ", expected " + std::to_string(version);
  if (header.fileBytes != size)
    return std::to_string(size) + " bytes long, expected " + std::to_string(header.fileBytes);
  uint64_t left = size - sizeof header;
  if (header.weights > left / sizeof(Entry) || header.weights > mostWeights ||
      header.descriptionBytes > left - header.weights * sizeof(Entry) || header.descriptionBytes > mostDescription)
    return "damaged: its header has impossible sizes";
  table.resize(size_t(header.weights));
  std::string description(size_t(header.descriptionBytes), 0);
  if (!readAt(fd, table.data(), table.size() * sizeof(Entry), sizeof header) ||
      !readAt(fd, description.data(), description.size(), sizeof header + table.size() * sizeof(Entry)))
    return "cut short while it was read";
  if (checksumOf(header, table, description) != header.checksum)
    return "damaged: the checksum of its header is wrong";
  if (description.compare(0, contents.owner.size(), contents.owner) != 0) {
    foreign = true;
    return firstDifference(description, contents.description());
  }
  if (description != contents.description())
    return firstDifference(description, contents.description());
  // The same description means the same places; these would be a mistake of the one who wrote it.
  bool places = table.size() == contents.bytes.size() && contents.offsetOf(table.size()) == size;
  for (size_t w = 0; places && w < table.size(); ++w)
    places = table[w].offset == contents.offsetOf(w) && table[w].bytes == uint64_t(contents.bytes[w]);
  return places ? "" : "damaged: its weights are in the wrong places";
}

/// Do the weights of a mapped file have the checksums of its table? Reads all of it.
static bool weightsAreWhole(const FileMapping &file, const PackedContents &contents, const std::vector<Entry> &table,
                            moe_pool *pool, std::string &reason) {
  Pieces pieces(contents.bytes);
  pieces.forEach(pool, [&](Pieces::Piece &piece) {
    piece.checksum = XXH3_64bits(file.data() + table[piece.weight].offset + piece.at, size_t(piece.bytes));
  });
  for (size_t w = 0; w < table.size(); ++w)
    if (pieces.checksumOf(w) != table[w].checksum) {
      reason = "damaged: the checksum of weight " + std::to_string(w) + " is wrong";
      return false;
    }
  return true;
}

moe_status moe::mapPackedFile(const std::string &path, const PackedContents &contents, bool verify, moe_pool *pool,
                              FileMapping &mapping, std::string &reason) {
  const std::string shown = printable(path);
  struct stat info;
  // Looked at first, since opening some devices has effects.
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT)
      return MOE_OK;
    return fail(MOE_IO_ERROR, "%s: cannot be opened: %m", shown.c_str());
  }
  if (!S_ISREG(info.st_mode))
    return fail(MOE_IO_ERROR, "%s: expected a packed file, or none yet, got %s; give another name", shown.c_str(),
                S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (file.fd < 0 && errno == ENOENT) // somebody removed it just now
    return MOE_OK;
  if (file.fd < 0 || fstat(file.fd, &info) != 0)
    return fail(MOE_IO_ERROR, "%s: cannot be opened: %m", shown.c_str());
  char start[sizeof magic];
  if (!S_ISREG(info.st_mode) || !readAt(file.fd, start, sizeof start, 0) ||
      std::memcmp(start, magic, sizeof start) != 0)
    return fail(MOE_IO_ERROR,
                "%s: expected a packed file, or none yet, got a file of another kind, which is left alone; give "
                "another name",
                shown.c_str());
  std::vector<Entry> table;
  bool foreign = false;
  const auto size = size_t(info.st_size);
  reason = fault(file.fd, size, contents, table, foreign);
  if (foreign)
    return fail(MOE_CHECKPOINT_ERROR,
                "%s: the packed file of another layer, which is left alone: %s; give another name", shown.c_str(),
                reason.c_str());
  if (!reason.empty())
    return MOE_OK;
  void *data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd, 0);
  if (data == MAP_FAILED)
    return fail(MOE_OUT_OF_MEMORY, "%s: cannot be mapped: %m", shown.c_str());
  FileMapping mapped(static_cast<const char *>(data), size);
  if (verify && !weightsAreWhole(mapped, contents, table, pool, reason))
    return MOE_OK;
  mapping = std::move(mapped);
  return MOE_OK;
}

moe_status PackedFileWriter::failed(const char *what) {
  return fail(MOE_IO_ERROR, "%s: %s: %m; give a name in a folder that can be written to and has room",
              printable(path).c_str(), what);
}

moe_status PackedFileWriter::open(const std::string &name) {
  // Several threads of a process may write the same file; an older process of this number may have left one.
  static std::atomic<unsigned> count{0};
  path = name;
  for (int attempt = 0; attempt < 100 && fd < 0; ++attempt) {
    temporary = path + ".tmp" + std::to_string(getpid()) + "-" + std::to_string(count++);
    fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST)
      break;
  }
  return fd >= 0 ? MOE_OK : failed("cannot be written");
}

PackedFileWriter::~PackedFileWriter() {
  if (fd < 0)
    return;
  close(fd);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

static bool writeAt(int fd, const void *data, size_t bytes, uint64_t offset) {
  auto *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t wrote = pwrite(fd, next, bytes, off_t(offset));
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return false;
    next += wrote;
    offset += uint64_t(wrote);
    bytes -= size_t(wrote);
  }
  return true;
}

/// Writes all pieces and leaves their checksums in them; the first errno, or 0.
static int writePieces(int fd, const PackedContents &contents, const std::vector<const char *> &weights, Pieces &pieces,
                       moe_pool *pool, Progress &progress) {
  std::atomic<int> error{0};
  pieces.forEach(pool, [&](Pieces::Piece &piece) {
    if (error)
      return;
    const char *from = weights[piece.weight] + piece.at;
    const uint64_t offset = contents.offsetOf(piece.weight) + piece.at;
    piece.checksum = XXH3_64bits(from, size_t(piece.bytes));
    if (!writeAt(fd, from, size_t(piece.bytes), offset)) {
      int none = 0;
      error.compare_exchange_strong(none, errno);
      return;
    }
    // The disk begins now, and not only when fsync asks for it. Advice: what fails here fails there again.
    sync_file_range(fd, off_t(offset), off_t(piece.bytes), SYNC_FILE_RANGE_WRITE);
    progress.add(int64_t(piece.bytes));
  });
  return error;
}

moe_status PackedFileWriter::write(const PackedContents &contents, const std::vector<const char *> &weights,
                                   moe_pool *pool, Progress &progress) {
  const std::string description = contents.description();
  Header header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.version = version;
  header.fileBytes = contents.offsetOf(weights.size());
  header.descriptionBytes = description.size();
  header.weights = weights.size();
  if (ftruncate(fd, off_t(header.fileBytes)) != 0)
    return failed("cannot be written");
  Pieces pieces(contents.bytes);
  if (int error = writePieces(fd, contents, weights, pieces, pool, progress)) {
    errno = error;
    return failed("cannot be written");
  }
  std::vector<Entry> table;
  for (size_t w = 0; w < weights.size(); ++w)
    table.push_back({contents.offsetOf(w), uint64_t(contents.bytes[w]), pieces.checksumOf(w)});
  header.checksum = checksumOf(header, table, description);
  if (!writeAt(fd, &header, sizeof header, 0) ||
      !writeAt(fd, table.data(), table.size() * sizeof(Entry), sizeof header) ||
      !writeAt(fd, description.data(), description.size(), sizeof header + table.size() * sizeof(Entry)) ||
      fsync(fd) != 0)
    return failed("cannot be written");
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return failed("cannot be given its name");
  temporary.clear();
  // The name is on the disk once the folder is. Where a folder cannot be synced, a lost name means packing again.
  size_t slash = path.rfind('/');
  Descriptor folder{::open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(), O_RDONLY | O_CLOEXEC)};
  if (folder.fd >= 0)
    fsync(folder.fd);
  return MOE_OK;
}
