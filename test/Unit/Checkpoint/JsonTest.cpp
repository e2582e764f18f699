// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the strict parser takes and what it refuses.
#include "moe/Checkpoint/Json.h"

#include <gtest/gtest.h>

using namespace moe;

static std::string problem(std::string_view text) {
  Expected<JsonValue> value = parseJson(text, "f.json");
  return value ? "" : value.message();
}

TEST(Json, ReadsEveryKind) {
  Expected<JsonValue> value =
      parseJson(R"({"a": null, "b": true, "c": -7, "d": 1.5, "e": "\u00e9\n", "f": [1, [2], {}], "g": {"h": 0}})", "f");
  ASSERT_TRUE(value.ok());
  EXPECT_TRUE(value->find("a")->isNull());
  EXPECT_TRUE(*value->find("b")->asBool());
  EXPECT_EQ(*value->find("c")->asInteger(), -7);
  EXPECT_EQ(*value->find("d")->asReal(), 1.5);
  EXPECT_EQ(*value->find("c")->asReal(), -7.0);
  EXPECT_EQ(*value->find("e")->asString(), "\xc3\xa9\n");
  ASSERT_EQ(value->find("f")->elements().size(), 3u);
  EXPECT_EQ(*value->find("f")->elements()[1].elements()[0].asInteger(), 2);
  EXPECT_EQ(*value->find("g")->find("h")->asInteger(), 0);
  EXPECT_EQ(value->find("z"), nullptr);
}

TEST(Json, IntegersAreExact) {
  EXPECT_EQ(*parseJson("9223372036854775807", "f")->asInteger(), INT64_MAX);
  EXPECT_EQ(*parseJson("-9223372036854775808", "f")->asInteger(), INT64_MIN);
  EXPECT_EQ(*parseJson("9007199254740993", "f")->asInteger(), 9007199254740993);
  // What does not fit is not rounded, and what is written as a fraction is no integer.
  for (const char *text : {"9223372036854775808", "18446744073709551616", "1e3", "1.0"}) {
    Expected<int64_t> integer = parseJson(text, "f")->asInteger();
    ASSERT_FALSE(integer.ok());
    EXPECT_EQ(integer.message(), std::string("expected an integer, got ") + text);
  }
}

TEST(Json, GettersSayWhatTheyFound) {
  EXPECT_EQ(parseJson("\"8\"", "f")->asInteger().message(), "expected an integer, got \"8\"");
  EXPECT_EQ(parseJson("[8]", "f")->asBool().message(), "expected true or false, got an array");
  EXPECT_EQ(parseJson("{}", "f")->asString().message(), "expected a string, got an object");
  EXPECT_EQ(parseJson("null", "f")->asReal().message(), "expected a number, got null");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char *text : {"{", "{]", "[1,]", "{\"a\" 1}", "+1", "007", "1 2", "nul", "NaN", "Infinity", "'a'",
                           "// x\n1", "\"\\ud800\"", "\"a", " "})
    EXPECT_NE(problem(text).find("f.json: not valid JSON at byte"), std::string::npos) << text << ": " << problem(text);
  EXPECT_EQ(problem(""), "f.json: expected JSON, got an empty file");
}

TEST(Json, RefusesOverflow) {
  EXPECT_EQ(problem("1e999"), "f.json: number out of range at byte 5: 1e999");
  EXPECT_EQ(problem("[-1e400]").find("f.json: number out of range"), 0u);
}

TEST(Json, RefusesBadText) {
  EXPECT_NE(problem("\"\xff\"").find("not valid UTF-8"), std::string::npos);
  EXPECT_NE(problem("\"\xc0\x80\"").find("not valid UTF-8"), std::string::npos);
  EXPECT_NE(problem("\xef\xbb\xbf{}").find("byte order mark"), std::string::npos);
  EXPECT_EQ(problem(std::string_view("{}\0{", 4)), "f.json: not valid JSON: NUL byte at byte 2");
}

TEST(Json, RefusesDuplicateKeys) {
  EXPECT_EQ(problem(R"({"a": 1, "b": {"a": 1}, "\u0061": 2})"), "f.json: duplicate key \"a\"");
  EXPECT_EQ(problem(R"([{"a": 1}, {"a": 1}])"), "");
}

TEST(Json, LimitsDepth) {
  auto nested = [](size_t depth, char open, char close) {
    std::string middle = open == '{' ? "" : "1";
    std::string text;
    for (size_t i = 0; i < depth; ++i)
      text += open == '{' && i + 1 < depth ? "{\"a\":" : std::string(1, open);
    text += middle;
    return text + std::string(depth, close);
  };
  for (auto [open, close] : {std::pair('[', ']'), std::pair('{', '}')}) {
    EXPECT_EQ(problem(nested(64, open, close)), "");
    EXPECT_EQ(problem(nested(65, open, close)), "f.json: nested more than 64 deep");
  }
  EXPECT_EQ(problem(std::string(10'000'000, '[')), "f.json: nested more than 64 deep");
}

TEST(Json, LimitsTheTree) {
  std::string text = "[1";
  for (size_t i = 0; i < maxTreeValues; ++i)
    text += ",1";
  EXPECT_EQ(problem(text + "]"), "f.json: more than 250000 values");
}

TEST(Json, MessagesStayOneShortLine) {
  std::string text =
      problem("{\"a\\n" + std::string(100'000, 'x') + "\": 1, \"a\\n" + std::string(100'000, 'x') + "\": 2}");
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_LT(text.size(), 300u);
  EXPECT_EQ(text.find("f.json: duplicate key \"a\\x0ax"), 0u);
}
