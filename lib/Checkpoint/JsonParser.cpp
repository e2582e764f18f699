// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// nlohmann-json's event parser, which keeps its own stack, with the rules that it leaves open: depth, duplicate keys,
// NUL bytes, byte order marks.
#include "moe/Checkpoint/Json.h"

#include "moe/Checkpoint/Text.h"

#include <nlohmann/json.hpp>

#include <limits>
#include <unordered_set>

using namespace moe;

namespace {

class StrictEvents : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit StrictEvents(JsonHandler &handler) : handler(handler) {}

  bool null() override { return handler.null(); }
  bool boolean(bool value) override { return handler.boolean(value); }
  bool number_integer(int64_t value) override { return handler.integer(value); }
  bool number_unsigned(uint64_t value) override {
    if (value > uint64_t(std::numeric_limits<int64_t>::max()))
      return handler.real(double(value), std::to_string(value));
    return handler.integer(int64_t(value));
  }
  bool number_float(double value, const std::string &text) override { return handler.real(value, text); }
  bool string(std::string &value) override { return handler.string(value); }
  bool binary(nlohmann::json::binary_t &) override { return false; }

  bool start_object(size_t) override {
    if (!open())
      return false;
    keys.emplace_back();
    return handler.startObject();
  }
  bool key(std::string &name) override {
    if (keys.back().size() == maxJsonKeys) {
      handler.problem = "more than " + std::to_string(maxJsonKeys) + " keys in one object";
      return false;
    }
    if (!keys.back().insert(name).second) {
      handler.problem = "duplicate key " + quote(name);
      return false;
    }
    return handler.key(name);
  }
  bool end_object() override {
    --depth;
    keys.pop_back();
    return handler.endObject();
  }
  bool start_array(size_t) override { return open() && handler.startArray(); }
  bool end_array() override {
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
  bool open() {
    if (++depth <= maxJsonDepth)
      return true;
    handler.problem = "nested more than " + std::to_string(maxJsonDepth) + " deep";
    return false;
  }

  JsonHandler &handler;
  size_t depth = 0;
  std::vector<std::unordered_set<std::string>> keys; // of the objects that are open
};

} // namespace

Expected<Unit> moe::parseJson(std::string_view text, const std::string &file, JsonHandler &handler) {
  auto fail = [&](const std::string &what) { return Error{file + ": " + what}; };
  if (text.empty())
    return fail("expected JSON, got an empty file");
  if (text.substr(0, 3) == "\xef\xbb\xbf")
    return fail("not valid JSON: begins with a byte order mark; save the file as UTF-8 without one");
  // The lexer takes a NUL for the end of its input and would ignore what follows.
  if (size_t nul = text.find('\0'); nul != std::string_view::npos)
    return fail("not valid JSON: NUL byte at byte " + std::to_string(nul));

  StrictEvents events(handler);
  handler.problem.clear();
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &events))
    return Unit{};
  return fail(handler.problem.empty() ? "not valid JSON" : handler.problem);
}
