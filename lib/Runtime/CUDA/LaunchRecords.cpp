// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Reading launch records. They come from a file, so nothing in them is believed.
//===----------------------------------------------------------------------===//
#include "LaunchRecords.h"

#include "moe/Checkpoint/Json.h"

#include <optional>

using namespace moe;

namespace {

/// Reads members of objects; the first thing that is wrong stays in `problem`.
class Reader {
public:
  std::string problem;

  const JsonValue *member(const JsonValue &object, const char *name) {
    const JsonValue *value = object.isObject() ? object.find(name) : nullptr;
    if (!value)
      wrong(name, "a value", "nothing");
    return value;
  }
  std::string text(const JsonValue &object, const char *name) {
    const JsonValue *value = member(object, name);
    if (!value)
      return {};
    Expected<std::string> result = value->asString();
    if (!result)
      wrong(name, "a text", value->inWords());
    return result ? *result : "";
  }
  int64_t integer(const JsonValue &object, const char *name, int64_t least, int64_t most) {
    const JsonValue *value = member(object, name);
    if (!value)
      return least;
    Expected<int64_t> result = value->asInteger();
    if (!result || *result < least || *result > most) {
      wrong(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most), value->inWords());
      return least;
    }
    return *result;
  }
  bool boolean(const JsonValue &object, const char *name) {
    const JsonValue *value = member(object, name);
    Expected<bool> result = value ? value->asBool() : Expected<bool>(false);
    if (!result)
      wrong(name, "true or false", value->inWords());
    return result && *result;
  }
  const std::vector<JsonValue> &list(const JsonValue &object, const char *name) {
    static const std::vector<JsonValue> none;
    const JsonValue *value = member(object, name);
    if (value && !value->isArray())
      wrong(name, "a list", value->inWords());
    return value && value->isArray() ? value->elements() : none;
  }
  SizeExpression size(const JsonValue &object, const char *name) {
    Expected<SizeExpression> result = SizeExpression::parse(text(object, name));
    if (!result && problem.empty())
      problem = result.message();
    return result ? *result : SizeExpression();
  }
  void wrong(const std::string &name, const std::string &expected, const std::string &got) {
    if (problem.empty())
      problem = "'" + name + "': expected " + expected + ", got " + got;
  }
};

} // namespace

static constexpr int64_t maxSize = int64_t(1) << 40;

static int32_t dtypeOf(Reader &reader, const JsonValue &object) {
  std::string name = reader.text(object, "dtype");
  int32_t dtype = name == "f32"    ? MOE_F32
                  : name == "bf16" ? MOE_BF16
                  : name == "f16"  ? MOE_F16
                  : name == "i32"  ? MOE_I32
                                   : 0;
  if (!dtype)
    reader.wrong("dtype", "f32, bf16, f16 or i32", name);
  return dtype;
}

static std::vector<DeviceOperand> operandsOf(Reader &reader, const JsonValue &program, const char *name) {
  std::vector<DeviceOperand> result;
  for (const JsonValue &value : reader.list(program, name)) {
    DeviceOperand operand;
    operand.name = reader.text(value, "name");
    operand.dtype = dtypeOf(reader, value);
    operand.alignment = reader.integer(value, "alignment", 1, 4096);
    for (const JsonValue &size : reader.list(value, "shape")) {
      Expected<int64_t> whole = size.asInteger();
      if (!whole || *whole < -1 || *whole > maxSize)
        reader.wrong("shape", "sizes", size.inWords());
      operand.shape.push_back(whole ? *whole : 0);
    }
    if (operand.shape.empty() || operand.shape.size() > 2)
      reader.wrong("shape", "one or two sizes", std::to_string(operand.shape.size()));
    result.push_back(std::move(operand));
  }
  return result;
}

static std::unique_ptr<DeviceProgram> programOf(Reader &reader, const JsonValue &value) {
  auto program = std::make_unique<DeviceProgram>();
  program->name = reader.text(value, "name");
  program->inputs = operandsOf(reader, value, "inputs");
  program->outputs = operandsOf(reader, value, "outputs");
  for (const JsonValue &weight : reader.list(value, "weights")) {
    moe_weight_desc desc = {};
    desc.experts = reader.integer(weight, "experts", 1, 1 << 20);
    desc.panel = reader.integer(weight, "panel", 0, 1 << 20);
    desc.k_group = reader.integer(weight, "k_group", 1, 1 << 20);
    desc.num_sources = reader.integer(weight, "sources", 1, 8);
    desc.dtype = dtypeOf(reader, weight);
    // Rows and cols are those of each source.
    (void)reader.integer(weight, "rows", 0, maxSize);
    (void)reader.integer(weight, "cols", 0, maxSize);
    program->weights.push_back(desc);
  }
  program->workspace = reader.size(value, "workspace");
  for (const JsonValue &launch : reader.list(value, "launches"))
    program->launches.push_back({reader.text(launch, "kernel"), reader.size(launch, "when"),
                                 reader.size(launch, "grid"), uint32_t(reader.integer(launch, "block", 1, 1024)),
                                 uint32_t(reader.integer(launch, "shared", 0, 1 << 20))});
  return program;
}

static DeviceSource sourceOf(Reader &reader, const JsonValue &value, int64_t rows, int64_t cols) {
  DeviceSource source = {reader.text(value, "name"), {}};
  source.desc.rows = rows;
  source.desc.cols = cols;
  source.desc.row_begin = reader.integer(value, "row_begin", 0, maxSize);
  source.desc.row_step = reader.integer(value, "row_step", 1, maxSize);
  source.desc.stored_rows = reader.integer(value, "stored_rows", 0, maxSize);
  if (source.desc.stored_rows == 0)
    source.desc.stored_rows = rows;
  source.desc.transposed = reader.boolean(value, "transposed");
  return source;
}

static void addLayer(Reader &reader, const JsonValue &value, const std::vector<JsonValue> &programs,
                     LaunchRecords &records) {
  DeviceLayerRecord layer = {reader.text(value, "name"), reader.integer(value, "block", 0, maxSize), nullptr, {}};
  std::string name = reader.text(value, "program");
  const JsonValue *record = nullptr;
  for (size_t i = 0; i != records.programs.size(); ++i)
    if (records.programs[i]->name == name) {
      layer.program = records.programs[i].get();
      record = &programs[i];
    }
  if (!layer.program)
    return reader.wrong("program", "a program of this file", "'" + name + "'");
  const std::vector<JsonValue> &weights = reader.list(value, "weights");
  const std::vector<JsonValue> &descs = reader.list(*record, "weights");
  if (weights.size() != descs.size())
    return reader.wrong("weights", std::to_string(descs.size()) + " weights of layer '" + layer.name + "'",
                        std::to_string(weights.size()));
  for (size_t w = 0; w != weights.size(); ++w) {
    std::vector<DeviceSource> sources;
    if (weights[w].isArray())
      for (const JsonValue &source : weights[w].elements())
        sources.push_back(sourceOf(reader, source, reader.integer(descs[w], "rows", 0, maxSize),
                                   reader.integer(descs[w], "cols", 0, maxSize)));
    if (int64_t(sources.size()) != layer.program->weights[w].num_sources)
      reader.wrong("weights", std::to_string(layer.program->weights[w].num_sources) + " sources",
                   std::to_string(sources.size()));
    layer.weights.push_back(std::move(sources));
  }
  records.layers.push_back(std::move(layer));
}

Expected<LaunchRecords> moe::parseLaunchRecords(std::string_view text, const std::string &file) {
  Expected<JsonValue> parsed = parseJson(text, file);
  if (!parsed)
    return parsed.error();
  Reader reader;
  LaunchRecords records;
  reader.integer(*parsed, "version", 1, 1);
  if (!reader.problem.empty())
    return Error{file + ": launch records: " + reader.problem + "; compile the model again"};
  records.chip = reader.text(*parsed, "chip");
  const std::vector<JsonValue> &programs = reader.list(*parsed, "programs");
  for (const JsonValue &program : programs)
    records.programs.push_back(programOf(reader, program));
  for (const JsonValue &layer : reader.list(*parsed, "layers"))
    addLayer(reader, layer, programs, records);
  if (!reader.problem.empty())
    return Error{file + ": malformed launch records: " + reader.problem};
  return records;
}

Expected<std::string> moe::launchRecordsOfPtx(std::string_view ptx, const std::string &file) {
  static constexpr std::string_view mark = "// moe.launches: ";
  size_t begin = ptx.find(mark);
  if (begin == std::string_view::npos || (begin != 0 && ptx[begin - 1] != '\n'))
    return Error{file +
                 ": expected PTX with launch records, got none; write it with moe-compile --target=nvptx --emit=ptx"};
  begin += mark.size();
  return std::string(ptx.substr(begin, ptx.find('\n', begin) - begin));
}
