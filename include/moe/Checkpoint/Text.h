// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How messages show text that came from outside: an error stays one line of bounded length whatever the file holds.
#ifndef MOE_CHECKPOINT_TEXT_H
#define MOE_CHECKPOINT_TEXT_H

#include <string>
#include <string_view>

namespace moe {

/// Control characters become \xNN, and the middle of a text of more than 200 bytes becomes "...".
std::string printable(std::string_view text);

/// Control characters and backslashes become \xNN, and nothing else changes: different texts stay different.
std::string oneLine(std::string_view text);

/// printable() in double quotes.
std::string quote(std::string_view text);

} // namespace moe

#endif // MOE_CHECKPOINT_TEXT_H
