// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Sizes that depend on the number of tokens.
//===----------------------------------------------------------------------===//
#include "SizeExpression.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

using namespace moe;

static bool parseNumber(const std::string &word, uint64_t &value) {
  const char *begin = word.data(), *end = begin + word.size();
  int64_t negative;
  auto parsed = *begin == '-' ? std::from_chars(begin, end, negative) : std::from_chars(begin, end, value);
  if (*begin == '-')
    value = uint64_t(negative);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

Expected<SizeExpression> SizeExpression::parse(const std::string &text) {
  static constexpr std::pair<const char *, Op> names[] = {{"T", Op::Tokens},   {"+", Op::Add},    {"-", Op::Subtract},
                                                          {"*", Op::Multiply}, {"/", Op::Divide}, {"%", Op::Remainder},
                                                          {"&", Op::And},      {"max", Op::Max},  {"min", Op::Min},
                                                          {"<", Op::Less},     {"?", Op::Choose}};
  SizeExpression result;
  std::istringstream in(text);
  size_t depth = 0;
  for (std::string word; in >> word;) {
    Word parsed = {Op::Number, 0};
    auto known = std::find_if(std::begin(names), std::end(names), [&](auto &name) { return word == name.first; });
    if (known != std::end(names))
      parsed.op = known->second;
    else if (!parseNumber(word, parsed.number))
      return Error{"expected a number, T or an operator in the size '" + text + "', got '" + word + "'"};
    bool pushes = parsed.op == Op::Number || parsed.op == Op::Tokens;
    size_t takes = pushes ? 0 : parsed.op == Op::Choose ? 3 : 2;
    if (depth < takes || depth - takes + 1 > maxDepth)
      return Error{"the size '" + text + "' has too " + (depth < takes ? "few" : "many") + " values at '" + word + "'"};
    depth = depth - takes + 1;
    result.words.push_back(parsed);
  }
  if (depth != 1)
    return Error{"expected one value of the size '" + text + "', got " + std::to_string(depth)};
  return result;
}

uint64_t SizeExpression::operator()(uint64_t tokens) const {
  uint64_t stack[maxDepth + 1];
  size_t top = 0;
  for (const Word &word : words) {
    if (word.op == Op::Number || word.op == Op::Tokens) {
      stack[top++] = word.op == Op::Number ? word.number : tokens;
      continue;
    }
    uint64_t b = stack[--top], &a = stack[top - 1];
    switch (word.op) {
    case Op::Add:
      a += b;
      break;
    case Op::Subtract:
      a -= b;
      break;
    case Op::Multiply:
      a *= b;
      break;
    case Op::Divide:
      a = b ? a / b : 0;
      break;
    case Op::Remainder:
      a = b ? a % b : 0;
      break;
    case Op::And:
      a &= b;
      break;
    case Op::Max:
      a = std::max(a, b);
      break;
    case Op::Min:
      a = std::min(a, b);
      break;
    case Op::Less:
      a = a < b;
      break;
    default: // Choose: of c a b, a if c
      if (!stack[top - 2])
        a = b;
      stack[top - 2] = a;
      --top;
    }
  }
  return stack[0];
}
