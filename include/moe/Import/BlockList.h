// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The value of --layers: MoE blocks by index, "0,3-5".
#ifndef MOE_IMPORT_BLOCKLIST_H
#define MOE_IMPORT_BLOCKLIST_H

#include "moe/Checkpoint/Expected.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace moe {

/// The indices in rising order, each once. The error does not name the option.
Expected<std::vector<int64_t>> parseBlockList(std::string_view text);

} // namespace moe

#endif // MOE_IMPORT_BLOCKLIST_H
