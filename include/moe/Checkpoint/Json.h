// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strict JSON for files from outside. Beyond the grammar: nesting of at most 64, no duplicate keys, no numbers that
// overflow, integers exact, no NUL byte, no byte order mark. The parser uses no recursion, so no input can exhaust the
// stack, and holds one token and a hash of each key at a time, so no input can exhaust the memory.
#ifndef MOE_CHECKPOINT_JSON_H
#define MOE_CHECKPOINT_JSON_H

#include "moe/Checkpoint/Expected.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moe {

inline constexpr size_t maxJsonDepth = 64;
inline constexpr size_t maxJsonKeys = 1'000'001; ///< of one object: a million tensors and their metadata
inline constexpr size_t maxJsonToken = 1 << 20;  ///< bytes of one string or number, and of the blanks before it
inline constexpr size_t maxTreeValues = 250'000; ///< of a JsonValue tree, which takes far more memory than the text

/// Receives a document piece by piece, for files too large for a tree. A method returns false to stop, having set
/// `problem` to the reason.
class JsonHandler {
public:
  virtual ~JsonHandler() = default;
  virtual bool null() = 0;
  virtual bool boolean(bool value) = 0;
  virtual bool integer(int64_t value) = 0;
  /// A number with a fraction or an exponent, or an integer that int64_t cannot hold; `text` is how it was written.
  virtual bool real(double value, const std::string &text) = 0;
  virtual bool string(std::string &value) = 0;
  virtual bool key(std::string &name) = 0;
  virtual bool startObject() = 0;
  virtual bool endObject() = 0;
  virtual bool startArray() = 0;
  virtual bool endArray() = 0;

  std::string problem;
};

/// Gives a document piece by piece: the bytes that follow, none at the end. A piece is valid until the next call.
using JsonSource = std::function<Expected<std::string_view>()>;

/// Parses a document of a file called `file` in messages. Keys of one object are told apart by 64 bits of hash: that
/// two of a million keys are taken for one has a chance of 1 in 18 million.
Expected<Unit> parseJson(const JsonSource &source, const std::string &file, JsonHandler &handler);
Expected<Unit> parseJson(std::string_view text, const std::string &file, JsonHandler &handler);

/// A JSON value as a tree.
class JsonValue {
public:
  enum class Kind { Null, Bool, Integer, Real, String, Array, Object };
  using Member = std::pair<std::string, JsonValue>;

  JsonValue() = default;
  static JsonValue boolean(bool value);
  static JsonValue integer(int64_t value);
  static JsonValue real(double value, std::string text);
  static JsonValue string(std::string value);
  static JsonValue array();
  static JsonValue object();

  Kind kind() const { return valueKind; }
  bool isNull() const { return valueKind == Kind::Null; }
  bool isObject() const { return valueKind == Kind::Object; }
  bool isArray() const { return valueKind == Kind::Array; }

  /// The member called `name` of an object; null when there is none.
  const JsonValue *find(std::string_view name) const;

  const std::vector<Member> &members() const { return objectMembers; }
  const std::vector<JsonValue> &elements() const { return arrayElements; }
  std::vector<Member> &members() { return objectMembers; }
  std::vector<JsonValue> &elements() { return arrayElements; }

  // What the value is as a C++ value; the error says what was expected and what is there, but not where.
  Expected<bool> asBool() const;
  Expected<int64_t> asInteger() const;
  Expected<double> asReal() const; ///< integers are reals too
  Expected<std::string> asString() const;

  /// The value in a few words: `12`, `"silu"`, `an array`.
  std::string inWords() const;

private:
  Kind valueKind = Kind::Null;
  bool flag = false;
  int64_t whole = 0;
  double number = 0;
  std::string text; // of a string, or of a real as it was written
  std::vector<JsonValue> arrayElements;
  std::vector<Member> objectMembers;
};

Expected<JsonValue> parseJson(std::string_view text, const std::string &file);

} // namespace moe

#endif // MOE_CHECKPOINT_JSON_H
