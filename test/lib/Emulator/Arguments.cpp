// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Arguments.cpp - arguments of a kernel, from words of a command line --------------------------------===//

#include "Arguments.h"

#include "Numbers.h"
#include "TensorMap.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <random>

using namespace moe::emulator;
using llvm::StringRef;

static size_t bytesOfType(StringRef type) {
  return llvm::StringSwitch<size_t>(type).Cases({"f32", "i32"}, 4).Cases({"bf16", "f16"}, 2).Case("i8", 1).Default(0);
}

static void put(StringRef type, char *to, int64_t value) {
  if (auto number = numberNamed(type)) {
    store(*number, to, float(value));
  } else if (type == "i8") {
    *to = char(value);
  } else {
    auto narrow = int32_t(value);
    std::memcpy(to, &narrow, sizeof narrow);
  }
}

static double numberAt(StringRef type, const char *from) {
  if (auto number = numberNamed(type))
    return load(*number, from);
  if (type == "i8")
    return *from;
  int32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

static llvm::Error unknown(StringRef word) {
  return llvm::createStringError("expected an argument such as i32:5, f32[64]=iota or map:0:64x32:8x32:128, got '" +
                                 word + "'");
}

llvm::Error Arguments::addBuffer(StringRef word) {
  auto [type, rest] = word.split('[');
  auto [length, fill] = rest.split(']');
  size_t bytes = bytesOfType(type), count;
  if (bytes == 0 || length.getAsInteger(10, count) || count == 0 || count > size_t(1) << 30)
    return unknown(word);
  char *data = static_cast<char *>(memory.allocate(bytes * count));
  if (!data)
    return llvm::createStringError("out of memory for '" + word + "'");
  std::vector<char> host(bytes * count);
  uint64_t seed = 0;
  if (fill.consume_front("=integers:") && !fill.getAsInteger(10, seed)) {
    std::mt19937_64 random(seed);
    for (size_t i = 0; i != count; ++i)
      put(type, &host[i * bytes], int64_t(random() % 9) - 4);
    fill = "=";
  } else if (fill == "=iota") {
    for (size_t i = 0; i != count; ++i)
      put(type, &host[i * bytes], int64_t(i));
  } else if (!fill.empty() && fill != "=zero") {
    return unknown(word);
  }
  if (!fill.empty())
    memory.write(data, host.data(), host.size());
  buffers.push_back({type.str(), data, count});
  std::memcpy(slots.emplace_back().bytes, &data, sizeof data);
  return llvm::Error::success();
}

/// "64x32"
static bool parsePair(StringRef text, uint32_t &outer, uint32_t &inner) {
  auto [first, second] = text.split('x');
  return !first.getAsInteger(10, outer) && !second.getAsInteger(10, inner);
}

llvm::Error Arguments::addMap(StringRef word) {
  llvm::SmallVector<StringRef> parts;
  word.split(parts, ':');
  TensorMap map;
  unsigned argument = 0;
  uint32_t swizzle;
  if (parts.size() != 5 || parts[1].getAsInteger(10, argument) || argument >= buffers.size() ||
      !buffers[argument].data || !parsePair(parts[2], map.sizes[1], map.sizes[0]) ||
      !parsePair(parts[3], map.box[1], map.box[0]) || parts[4].getAsInteger(10, swizzle))
    return unknown(word);
  map.rank = 2;
  map.elementBytes = uint8_t(bytesOfType(buffers[argument].type));
  map.swizzleBytes = uint8_t(swizzle);
  map.data = buffers[argument].data;
  map.strides[0] = uint64_t(map.sizes[0]) * map.elementBytes;
  buffers.push_back({});
  std::memcpy(slots.emplace_back().bytes, &map, sizeof map);
  return llvm::Error::success();
}

llvm::Error Arguments::add(StringRef word) {
  if (word.contains('['))
    return addBuffer(word);
  if (word.starts_with("map:"))
    return addMap(word);
  auto [type, text] = word.split(':');
  buffers.push_back({});
  char *slot = slots.emplace_back().bytes;
  int64_t whole;
  double real;
  if ((type == "i32" || type == "i64") && !text.getAsInteger(10, whole)) {
    std::memcpy(slot, &whole, sizeof whole); // little endian: the low half comes first
  } else if (type == "f32" && !text.getAsDouble(real)) {
    store(Number::F32, slot, float(real));
  } else {
    return unknown(word);
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Arguments>> Arguments::parse(llvm::ArrayRef<std::string> words) {
  auto result = std::make_unique<Arguments>();
  for (const std::string &word : words)
    if (llvm::Error error = result->add(word))
      return std::move(error);
  for (const Slot &slot : result->slots)
    result->addresses.push_back(slot.bytes);
  return result;
}

llvm::Expected<std::string> Arguments::text(unsigned argument, size_t most) const {
  if (argument >= buffers.size() || !buffers[argument].data)
    return llvm::createStringError("argument " + llvm::Twine(argument) + " is no buffer");
  const Buffer &buffer = buffers[argument];
  std::string result;
  llvm::raw_string_ostream os(result);
  for (size_t i = 0; i != std::min(most, buffer.count); ++i)
    os << (i ? " " : "") << llvm::format("%g", numberAt(buffer.type, buffer.data + i * bytesOfType(buffer.type)));
  return result;
}

std::string Arguments::difference(const Arguments &other) const {
  for (size_t b = 0; b != buffers.size(); ++b) {
    const Buffer &mine = buffers[b], &theirs = other.buffers[b];
    size_t bytes = bytesOfType(mine.type);
    for (size_t i = 0; i != mine.count; ++i)
      if (std::memcmp(mine.data + i * bytes, theirs.data + i * bytes, bytes) != 0) {
        std::string text;
        llvm::raw_string_ostream os(text);
        os << "element " << i << " of argument " << b << " is "
           << llvm::format("%g", numberAt(mine.type, mine.data + i * bytes)) << ", expected "
           << llvm::format("%g", numberAt(mine.type, theirs.data + i * bytes));
        return text;
      }
  }
  return {};
}
