// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text from outside made fit for a one-line message.
#include "moe/Checkpoint/Text.h"

#include <cstdio>

using namespace moe;

static void appendEscaped(std::string &out, std::string_view text) {
  static const char digits[] = "0123456789abcdef";
  for (unsigned char c : text) {
    if (c >= 0x20 && c != 0x7f) {
      out += char(c);
      continue;
    }
    out += "\\x";
    out += digits[c >> 4];
    out += digits[c & 15];
  }
}

std::string moe::printable(std::string_view text) {
  // Names differ in their first and last parts, so both are kept.
  constexpr size_t most = 200, kept = 90;
  std::string out;
  if (text.size() <= most) {
    appendEscaped(out, text);
    return out;
  }
  // Do not cut a UTF-8 sequence in two.
  size_t head = kept, tail = text.size() - kept;
  auto continues = [&](size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (head > kept - 4 && continues(head))
    --head;
  while (tail < text.size() - kept + 4 && continues(tail))
    ++tail;
  appendEscaped(out, text.substr(0, head));
  out += "...";
  appendEscaped(out, text.substr(tail));
  return out;
}

std::string moe::quote(std::string_view text) { return '"' + printable(text) + '"'; }

std::string moe::oneLine(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\') {
      result += c;
      continue;
    }
    char code[8];
    snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(c));
    result += code;
  }
  return result;
}
