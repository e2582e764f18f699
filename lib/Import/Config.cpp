// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads config.json and checks the values it holds.
#include "moe/Import/Config.h"

#include "moe/Checkpoint/File.h"
#include "moe/Checkpoint/Text.h"

#include <cstdio>

using namespace moe;

// A config holds a few kilobytes; some carry a tokenizer's word list.
static constexpr uint64_t maxConfigBytes = 4 << 20;

Expected<Config> Config::read(const std::string &path) {
  Expected<std::string> text = readTextFile(path, maxConfigBytes);
  if (!text)
    return text.error();
  Config config;
  config.file = printable(path);
  Expected<JsonValue> root = parseJson(*text, config.file);
  if (!root)
    return root.error();
  if (!root->isObject())
    return Error{config.file + ": expected an object, got " + root->inWords()};
  config.root = std::move(*root);
  return config;
}

void ConfigReader::fail(const std::string &what) {
  if (!problem)
    problem = Error{config.file + ": " + what};
}

const JsonValue *ConfigReader::find(Names names) const {
  for (std::string_view name : names)
    if (const JsonValue *value = config.root.find(name); value && !value->isNull())
      return value;
  return nullptr;
}

std::string ConfigReader::nameOf(Names names) const {
  for (std::string_view name : names)
    if (const JsonValue *value = config.root.find(name); value && !value->isNull())
      return std::string(name);
  return std::string(*names.begin());
}

int64_t ConfigReader::integer(Names names, int64_t low, int64_t high, std::optional<int64_t> fallback) {
  const JsonValue *value = find(names);
  if (!value) {
    if (!fallback)
      fail("no " + nameOf(names) + "; expected an integer in [" + std::to_string(low) + ", " + std::to_string(high) +
           "]");
    return fallback.value_or(low);
  }
  Expected<int64_t> number = value->asInteger();
  if (number && *number >= low && *number <= high)
    return *number;
  fail(nameOf(names) + " must be an integer in [" + std::to_string(low) + ", " + std::to_string(high) + "], got " +
       value->inWords());
  return low;
}

static std::string inWords(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

double ConfigReader::real(Names names, double low, double high, std::optional<double> fallback) {
  const JsonValue *value = find(names);
  std::string range = "a number in [" + inWords(low) + ", " + inWords(high) + "]";
  if (!value) {
    if (!fallback)
      fail("no " + nameOf(names) + "; expected " + range);
    return fallback.value_or(low);
  }
  Expected<double> number = value->asReal();
  if (number && *number >= low && *number <= high)
    return *number;
  fail(nameOf(names) + " must be " + range + ", got " + value->inWords());
  return low;
}

bool ConfigReader::boolean(Names names, bool fallback) {
  const JsonValue *value = find(names);
  if (!value)
    return fallback;
  Expected<bool> flag = value->asBool();
  if (!flag)
    fail(nameOf(names) + ": " + flag.message());
  return flag ? *flag : fallback;
}

std::string ConfigReader::string(Names names, const std::string &fallback) {
  const JsonValue *value = find(names);
  if (!value)
    return fallback;
  Expected<std::string> text = value->asString();
  if (!text)
    fail(nameOf(names) + ": " + text.message());
  return text ? *text : fallback;
}

std::vector<int64_t> ConfigReader::integers(Names names) {
  std::vector<int64_t> result;
  const JsonValue *value = find(names);
  if (!value)
    return result;
  if (!value->isArray() || value->elements().size() > size_t(maxLayers)) {
    fail(nameOf(names) + ": expected a list of at most " + std::to_string(maxLayers) + " integers, got " +
         (value->isArray() ? std::to_string(value->elements().size()) : value->inWords()));
    return result;
  }
  for (const JsonValue &element : value->elements()) {
    Expected<int64_t> number = element.asInteger();
    if (!number)
      fail(nameOf(names) + ": " + number.message());
    else
      result.push_back(*number);
  }
  return result;
}

std::vector<std::string> ConfigReader::strings(Names names) {
  std::vector<std::string> result;
  const JsonValue *value = find(names);
  if (!value)
    return result;
  if (!value->isArray() || value->elements().size() > size_t(maxLayers)) {
    fail(nameOf(names) + ": expected a list of at most " + std::to_string(maxLayers) + " strings, got " +
         (value->isArray() ? std::to_string(value->elements().size()) : value->inWords()));
    return result;
  }
  for (const JsonValue &element : value->elements()) {
    Expected<std::string> text = element.asString();
    if (!text)
      fail(nameOf(names) + ": " + text.message());
    else
      result.push_back(*text);
  }
  return result;
}

std::vector<int64_t> ConfigReader::perLayer(Names names, int64_t low, int64_t high, int64_t layers) {
  const JsonValue *value = find(names);
  if (!value || !value->isArray())
    return std::vector<int64_t>(size_t(layers), integer(names, low, high));
  std::vector<int64_t> result = integers(names);
  // Configs may list more layers than there are.
  if (result.size() < size_t(layers))
    fail(nameOf(names) + ": expected an integer for each of the " + std::to_string(layers) + " layers, got " +
         std::to_string(result.size()));
  result.resize(size_t(layers), low);
  for (int64_t number : result)
    if (number < low || number > high)
      fail(nameOf(names) + " must be integers in [" + std::to_string(low) + ", " + std::to_string(high) + "], got " +
           std::to_string(number));
  return result;
}

int64_t ConfigReader::topK(Names names, Names expertNames, int64_t experts, std::optional<int64_t> fallback) {
  const JsonValue *value = find(names);
  if (!value || !value->asInteger())
    return integer(names, 1, experts, fallback && *fallback <= experts ? fallback : std::nullopt);
  int64_t k = *value->asInteger();
  if (k >= 1 && k <= experts)
    return k;
  // Two numbers are involved, so both are named.
  fail(nameOf(names) + " (" + std::to_string(k) + ") must be in [1, " + nameOf(expertNames) + " (" +
       std::to_string(experts) + ")]");
  return 1;
}

Activation ConfigReader::activation(Names names, Activation fallback) {
  if (!find(names))
    return fallback;
  struct Row {
    std::string_view name;
    Activation activation;
  };
  static constexpr Row table[] = {
      {"silu", Activation::Silu},         {"swish", Activation::Silu},
      {"gelu", Activation::Gelu},         {"gelu_pytorch_tanh", Activation::GeluTanh},
      {"gelu_new", Activation::GeluTanh}, {"relu", Activation::Relu},
      {"relu2", Activation::Relu2},
  };
  std::string name = string(names, "silu");
  std::string known;
  for (const Row &row : table) {
    if (row.name == name)
      return row.activation;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  fail(nameOf(names) + " " + quote(name) + " is not supported; expected one of " + known);
  return Activation::Silu;
}

DType ConfigReader::dtype() {
  Names names = {"dtype", "torch_dtype"};
  std::string name = string(names, "float32");
  if (name.rfind("torch.", 0) == 0)
    name = name.substr(6);
  if (name == "float32")
    return DType::F32;
  if (name == "bfloat16")
    return DType::BF16;
  if (name == "float16")
    return DType::F16;
  fail(nameOf(names) + " " + quote(name) + " is not supported; expected float32, bfloat16 or float16");
  return DType::F32;
}
