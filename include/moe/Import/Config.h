// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// config.json, and a reader that turns its fields into checked values. The reader remembers the first problem, so that
// a model family reads like a list of its fields and asks once at the end whether all of them were good.
#ifndef MOE_IMPORT_CONFIG_H
#define MOE_IMPORT_CONFIG_H

#include "moe/Checkpoint/DType.h"
#include "moe/Checkpoint/Expected.h"
#include "moe/Checkpoint/Json.h"
#include "moe/Import/ModelDescription.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moe {

// Limits of what is compiled, whatever a config asks for.
inline constexpr int64_t maxExperts = 4096;
inline constexpr int64_t maxLayers = 1024;
inline constexpr int64_t maxWidth = (int64_t(1) << 31) - 1;

struct Config {
  static Expected<Config> read(const std::string &path);

  std::string file; ///< for messages
  JsonValue root;   ///< an object
};

class ConfigReader {
public:
  /// A field may have several names; the first that is there and not null counts. In messages it has the name found, or
  /// the first one.
  using Names = std::initializer_list<std::string_view>;

  explicit ConfigReader(const Config &config) : config(config) {}

  /// An integer in [low, high]; without a fallback the field is required.
  int64_t integer(Names names, int64_t low, int64_t high, std::optional<int64_t> fallback = std::nullopt);
  /// A number in [low, high]; without a fallback the field is required.
  double real(Names names, double low, double high, std::optional<double> fallback = std::nullopt);
  bool boolean(Names names, bool fallback);
  std::string string(Names names, const std::string &fallback);
  /// A list of integers; empty when absent.
  std::vector<int64_t> integers(Names names);
  /// A list of strings; empty when absent.
  std::vector<std::string> strings(Names names);
  /// An integer for each layer, from a list of them or one for all; required.
  std::vector<int64_t> perLayer(Names names, int64_t low, int64_t high, int64_t layers);

  // The fields that nearly every family has, with their ranges.
  int64_t layers() { return integer({"num_hidden_layers"}, 1, maxLayers); }
  int64_t modelWidth() { return integer({"hidden_size"}, 1, maxWidth); }
  int64_t experts(Names names) { return integer(names, 1, maxExperts); }
  int64_t topK(Names names, Names expertNames, int64_t experts, std::optional<int64_t> fallback = std::nullopt);
  Activation activation(Names names = {"hidden_act"}, Activation fallback = Activation::Silu);
  /// "dtype" or "torch_dtype"; F32 when there is none.
  DType dtype();

  /// Records a problem, unless there is an earlier one.
  void fail(const std::string &what);
  bool ok() const { return !problem; }
  const Error &error() const { return *problem; }

private:
  const JsonValue *find(Names names) const;
  std::string nameOf(Names names) const;

  const Config &config;
  std::optional<Error> problem;
};

} // namespace moe

#endif // MOE_IMPORT_CONFIG_H
