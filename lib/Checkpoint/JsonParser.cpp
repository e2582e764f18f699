// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// nlohmann-json's event parser, which keeps its own stack, with the rules that it leaves open: depth, duplicate keys,
// NUL bytes, byte order marks, the length of tokens.
#include "moe/Checkpoint/Json.h"

#include "moe/Checkpoint/Text.h"

#include <nlohmann/json.hpp>

#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

using namespace moe;

namespace {

/// The bytes of a source one by one, up to its first NUL.
class Bytes {
public:
  explicit Bytes(const JsonSource &source) : source(source) {}

  bool more() {
    if (at == piece.size() && !ended)
      refill();
    return !ended && !tokenTooLong();
  }
  char front() const { return piece[at]; }
  void next() { ++at, ++sinceToken; }

  /// The parser has understood all that was read so far.
  void token() { sinceToken = 0; }
  bool tokenTooLong() const { return sinceToken > maxJsonToken; }

  std::optional<size_t> nul; ///< where the first NUL byte is
  std::optional<Error> error;
  bool empty = true, marked = false; ///< without any byte; begins with a byte order mark

private:
  void refill() {
    if (nul) {
      ended = true;
      return;
    }
    passed += piece.size();
    at = 0;
    Expected<std::string_view> got = source();
    if (!got)
      error = got.error();
    piece = got ? *got : std::string_view();
    if (empty)
      marked = piece.substr(0, 3) == "\xef\xbb\xbf";
    // The lexer takes a NUL for the end of its input and would ignore what follows.
    if (size_t found = piece.find('\0'); found != std::string_view::npos) {
      nul = passed + found;
      piece = piece.substr(0, found);
      empty = false;
    }
    ended = piece.empty();
    empty &= ended;
  }

  const JsonSource &source;
  std::string_view piece;
  size_t at = 0, passed = 0, sinceToken = 0;
  bool ended = false;
};

/// What nlohmann-json reads: the end is the iterator without bytes.
struct ByteIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = char;

  char operator*() const { return bytes->front(); }
  ByteIterator &operator++() {
    bytes->next();
    return *this;
  }
  bool operator!=(const ByteIterator &) const { return bytes->more(); }
  bool operator==(const ByteIterator &) const { return !bytes->more(); }

  Bytes *bytes = nullptr;
};

/// The keys of one object, as hashes in a table that is at most half full.
class KeySet {
public:
  size_t size() const { return count; }

  /// False when the key is there already.
  bool insert(std::string_view key) {
    if (2 * (count + 1) > table.size())
      grow();
    return place(std::hash<std::string_view>()(key) | 1); // never 0, which is an empty place
  }

private:
  bool place(uint64_t hash) {
    size_t mask = table.size() - 1, at = (hash >> 1) & mask;
    for (; table[at] != 0; at = (at + 1) & mask)
      if (table[at] == hash)
        return false;
    table[at] = hash;
    ++count;
    return true;
  }
  void grow() {
    std::vector<uint64_t> old(table.empty() ? 8 : 2 * table.size());
    old.swap(table);
    count = 0;
    for (uint64_t hash : old)
      if (hash != 0)
        place(hash);
  }

  std::vector<uint64_t> table;
  size_t count = 0;
};

class StrictEvents : public nlohmann::json_sax<nlohmann::json> {
public:
  StrictEvents(JsonHandler &handler, Bytes &bytes) : handler(handler), bytes(bytes) {}

  bool null() override { return understood() && handler.null(); }
  bool boolean(bool value) override { return understood() && handler.boolean(value); }
  bool number_integer(int64_t value) override { return understood() && handler.integer(value); }
  bool number_unsigned(uint64_t value) override {
    understood();
    if (value > uint64_t(std::numeric_limits<int64_t>::max()))
      return handler.real(double(value), std::to_string(value));
    return handler.integer(int64_t(value));
  }
  bool number_float(double value, const std::string &text) override {
    return understood() && handler.real(value, text);
  }
  bool string(std::string &value) override { return understood() && handler.string(value); }
  bool binary(nlohmann::json::binary_t &) override { return false; }

  bool start_object(size_t) override {
    if (!open())
      return false;
    keys.emplace_back();
    return handler.startObject();
  }
  bool key(std::string &name) override {
    understood();
    if (keys.back().size() == maxJsonKeys) {
      handler.problem = "more than " + std::to_string(maxJsonKeys) + " keys in one object";
      return false;
    }
    if (!keys.back().insert(name)) {
      handler.problem = "duplicate key " + quote(name);
      return false;
    }
    return handler.key(name);
  }
  bool end_object() override {
    understood();
    --depth;
    keys.pop_back();
    return handler.endObject();
  }
  bool start_array(size_t) override { return open() && handler.startArray(); }
  bool end_array() override {
    understood();
    --depth;
    return handler.endArray();
  }

  bool parse_error(size_t position, const std::string &token, const nlohmann::detail::exception &reason) override {
    std::string where = " at byte " + std::to_string(position);
    if (reason.id == 406) // out_of_range: number overflow
      handler.problem = "number out of range" + where + ": " + printable(token);
    else if (std::string_view(reason.what()).find("UTF-8") != std::string_view::npos)
      handler.problem = "a string is not valid UTF-8" + where;
    else
      handler.problem = "not valid JSON" + where + ", near " + quote(token);
    return false;
  }

private:
  bool understood() {
    bytes.token();
    return true;
  }

  bool open() {
    understood();
    if (++depth <= maxJsonDepth)
      return true;
    handler.problem = "nested more than " + std::to_string(maxJsonDepth) + " deep";
    return false;
  }

  JsonHandler &handler;
  Bytes &bytes;
  size_t depth = 0;
  std::vector<KeySet> keys; // of the objects that are open
};

} // namespace

Expected<Unit> moe::parseJson(const JsonSource &source, const std::string &file, JsonHandler &handler) {
  auto fail = [&](const std::string &what) { return Error{file + ": " + what}; };
  Bytes bytes(source);
  bool any = bytes.more();
  if (bytes.error)
    return *bytes.error;
  if (bytes.marked)
    return fail("not valid JSON: begins with a byte order mark; save the file as UTF-8 without one");
  if (!any && !bytes.nul)
    return fail("expected JSON, got an empty file");

  StrictEvents events(handler, bytes);
  handler.problem.clear();
  bool good = nlohmann::json::sax_parse(ByteIterator{&bytes}, ByteIterator{}, &events);
  if (bytes.error)
    return *bytes.error;
  if (bytes.tokenTooLong())
    return fail("expected strings and numbers of at most " + std::to_string(maxJsonToken) + " bytes, got a longer one");
  if (bytes.nul && (good || !bytes.more()))
    return fail("not valid JSON: NUL byte at byte " + std::to_string(*bytes.nul));
  if (good)
    return Unit{};
  return fail(handler.problem.empty() ? "not valid JSON" : handler.problem);
}

Expected<Unit> moe::parseJson(std::string_view text, const std::string &file, JsonHandler &handler) {
  auto once = [&]() -> Expected<std::string_view> { return std::exchange(text, std::string_view()); };
  return parseJson(JsonSource(once), file, handler);
}
