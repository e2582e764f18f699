// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses lists of MoE blocks.
#include "moe/Import/BlockList.h"

#include "moe/Checkpoint/Text.h"
#include "moe/Import/Config.h"

#include <charconv>
#include <set>

using namespace moe;

/// Takes an index from the front of `text`.
static bool takeIndex(std::string_view &text, int64_t &index) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || index < 0 || index >= maxLayers)
    return false;
  text.remove_prefix(size_t(end - text.data()));
  return true;
}

Expected<std::vector<int64_t>> moe::parseBlockList(std::string_view text) {
  Error error = {"expected MoE blocks such as 0,3-5, each below " + std::to_string(maxLayers) + ", got " + quote(text)};
  std::set<int64_t> blocks;
  for (bool more = true; more;) {
    int64_t first = 0;
    if (!takeIndex(text, first))
      return error;
    int64_t last = first;
    if (text.substr(0, 1) == "-") {
      text.remove_prefix(1);
      if (!takeIndex(text, last) || last < first)
        return error;
    }
    for (int64_t block = first; block <= last; ++block)
      blocks.insert(block);
    more = text.substr(0, 1) == ",";
    if (more)
      text.remove_prefix(1);
  }
  if (!text.empty())
    return error;
  return std::vector<int64_t>(blocks.begin(), blocks.end());
}
