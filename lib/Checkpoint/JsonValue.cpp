// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON tree: built from the strict parser's events, read through getters that say what they found instead.
#include "moe/Checkpoint/Json.h"

#include "moe/Checkpoint/Text.h"

using namespace moe;

JsonValue JsonValue::boolean(bool value) {
  JsonValue result;
  result.valueKind = Kind::Bool;
  result.flag = value;
  return result;
}

JsonValue JsonValue::integer(int64_t value) {
  JsonValue result;
  result.valueKind = Kind::Integer;
  result.whole = value;
  return result;
}

JsonValue JsonValue::real(double value, std::string text) {
  JsonValue result;
  result.valueKind = Kind::Real;
  result.number = value;
  result.text = std::move(text);
  return result;
}

JsonValue JsonValue::string(std::string value) {
  JsonValue result;
  result.valueKind = Kind::String;
  result.text = std::move(value);
  return result;
}

JsonValue JsonValue::array() {
  JsonValue result;
  result.valueKind = Kind::Array;
  return result;
}

JsonValue JsonValue::object() {
  JsonValue result;
  result.valueKind = Kind::Object;
  return result;
}

const JsonValue *JsonValue::find(std::string_view name) const {
  for (const Member &member : objectMembers)
    if (member.first == name)
      return &member.second;
  return nullptr;
}

Expected<bool> JsonValue::asBool() const {
  if (valueKind == Kind::Bool)
    return flag;
  return Error{"expected true or false, got " + inWords()};
}

Expected<int64_t> JsonValue::asInteger() const {
  if (valueKind == Kind::Integer)
    return whole;
  return Error{"expected an integer, got " + inWords()};
}

Expected<double> JsonValue::asReal() const {
  if (valueKind == Kind::Integer)
    return double(whole);
  if (valueKind == Kind::Real)
    return number;
  return Error{"expected a number, got " + inWords()};
}

Expected<std::string> JsonValue::asString() const {
  if (valueKind == Kind::String)
    return text;
  return Error{"expected a string, got " + inWords()};
}

std::string JsonValue::inWords() const {
  switch (valueKind) {
  case Kind::Null:
    return "null";
  case Kind::Bool:
    return flag ? "true" : "false";
  case Kind::Integer:
    return std::to_string(whole);
  case Kind::Real:
    return printable(text);
  case Kind::String:
    return quote(text);
  case Kind::Array:
    return "an array";
  case Kind::Object:
    return "an object";
  }
  return "";
}

namespace {

/// Builds the tree bottom-up: `open` holds the containers whose end has not come yet.
class TreeBuilder : public JsonHandler {
public:
  bool null() override { return place(JsonValue()); }
  bool boolean(bool value) override { return place(JsonValue::boolean(value)); }
  bool integer(int64_t value) override { return place(JsonValue::integer(value)); }
  bool real(double value, const std::string &text) override { return place(JsonValue::real(value, text)); }
  bool string(std::string &value) override { return place(JsonValue::string(std::move(value))); }
  bool key(std::string &name) override {
    open.back().members().emplace_back(std::move(name), JsonValue());
    return true;
  }
  bool startObject() override {
    open.push_back(JsonValue::object());
    return true;
  }
  bool startArray() override {
    open.push_back(JsonValue::array());
    return true;
  }
  bool endObject() override { return close(); }
  bool endArray() override { return close(); }

  JsonValue root;

private:
  bool close() {
    JsonValue done = std::move(open.back());
    open.pop_back();
    return place(std::move(done));
  }
  bool place(JsonValue value) {
    if (++values > maxTreeValues) {
      problem = "more than " + std::to_string(maxTreeValues) + " values";
      return false;
    }
    if (open.empty())
      root = std::move(value);
    else if (open.back().isObject())
      open.back().members().back().second = std::move(value);
    else
      open.back().elements().push_back(std::move(value));
    return true;
  }

  std::vector<JsonValue> open;
  size_t values = 0;
};

} // namespace

Expected<JsonValue> moe::parseJson(std::string_view text, const std::string &file) {
  TreeBuilder builder;
  Expected<Unit> parsed = parseJson(text, file, builder);
  if (!parsed)
    return parsed.error();
  return std::move(builder.root);
}
