// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Has a checkpoint changed? Answered without opening its files.
#ifndef MOE_CHECKPOINT_FINGERPRINT_H
#define MOE_CHECKPOINT_FINGERPRINT_H

#include "moe/Checkpoint/Expected.h"

#include <string>

namespace moe {

/// One line for each file that Checkpoint::open(path) may read, in name order: "file NAME SIZE SECONDS.NANOSECONDS",
/// the time that of the last change of its data. Names are relative to the folder, so that a checkpoint may move. A
/// changed file has another line unless somebody set its clock back.
Expected<std::string> fingerprint(const std::string &path);

} // namespace moe

#endif // MOE_CHECKPOINT_FINGERPRINT_H
