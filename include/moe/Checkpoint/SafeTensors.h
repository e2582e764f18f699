// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The safetensors format: an eight-byte length, a JSON header, the tensors' bytes. The reader believes nothing: after
// it succeeds every offset lies inside the file, the tensors cover the data without holes or overlaps, and shape times
// element size is the byte count.
#ifndef MOE_CHECKPOINT_SAFETENSORS_H
#define MOE_CHECKPOINT_SAFETENSORS_H

#include "moe/Checkpoint/DType.h"
#include "moe/Checkpoint/Expected.h"
#include "moe/Checkpoint/Json.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moe {

struct TensorInfo {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  uint64_t begin; ///< offset of the first byte in its file
  uint64_t end;   ///< offset one past the last byte
  int file;       ///< index into Checkpoint's files; 0 for a single file

  uint64_t bytes() const { return end - begin; }
};

struct SafeTensorsHeader {
  std::vector<TensorInfo> tensors; ///< in name order
};

/// Limits that a header must keep.
inline constexpr uint64_t maxHeaderBytes = 100'000'000;
inline constexpr uint64_t maxTensors = 1'000'000;
inline constexpr size_t maxRank = 8;
inline constexpr size_t maxMetadata = 100'000;

/// Checks the JSON text of a header (the `jsonBytes` bytes after the length) for a file of `fileBytes` bytes called
/// `file` in messages. Offsets in the result are absolute. Metadata is checked and not kept: nothing here depends on
/// it.
Expected<SafeTensorsHeader> parseSafeTensorsHeader(const JsonSource &json, uint64_t jsonBytes, uint64_t fileBytes,
                                                   const std::string &file);

/// "[8, 64]": how messages write a shape.
std::string shapeText(const std::vector<int64_t> &shape);

struct TensorToWrite {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  const void *data; ///< contiguous; may be null when the tensor has no element
};

/// Writes a file in the given order. The bytes go to a temporary name in the same folder which is then renamed, so that
/// a reader never sees half a file and a failure leaves an older file as it was.
Expected<Unit> writeSafeTensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                                const std::map<std::string, std::string> &metadata = {});

} // namespace moe

#endif // MOE_CHECKPOINT_SAFETENSORS_H
