// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the JSON header of a safetensors file event by event - a large model has hundreds of thousands of tensors - and
// then checks that the tensors tile the file's data exactly.
#include "moe/Checkpoint/SafeTensors.h"
#include "moe/Checkpoint/Text.h"

#include <algorithm>

using namespace moe;

std::string moe::shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// Bytes of a tensor; false when 64 bits cannot hold them.
static bool byteCount(const TensorInfo &tensor, uint64_t &bytes) {
  bytes = dtypeSize(tensor.dtype);
  for (int64_t size : tensor.shape)
    if (__builtin_mul_overflow(bytes, uint64_t(size), &bytes))
      return false;
  return true;
}

namespace {

/// The state is where in the fixed structure we are; anything that does not fit there is refused.
class HeaderHandler : public JsonHandler {
public:
  bool null() override { return unexpected("null"); }
  bool boolean(bool value) override { return unexpected(value ? "true" : "false"); }
  bool real(double, const std::string &text) override { return unexpected(printable(text)); }

  bool integer(int64_t value) override {
    if (state != State::Shape && state != State::Offsets)
      return unexpected(std::to_string(value));
    if (value < 0)
      return wrong("expected sizes and offsets of at least 0, got " + std::to_string(value));
    if (state == State::Shape) {
      if (tensor.shape.size() == maxRank)
        return wrong("more than " + std::to_string(maxRank) + " dimensions");
      tensor.shape.push_back(value);
      return true;
    }
    if (numOffsets == 2)
      return wrong("expected 2 data_offsets, got more");
    (numOffsets++ == 0 ? tensor.begin : tensor.end) = uint64_t(value);
    return true;
  }

  bool string(std::string &value) override {
    if (state == State::Metadata)
      return true;
    if (state != State::DTypeField)
      return unexpected(quote(value));
    std::optional<DType> dtype = dtypeFromName(value);
    if (!dtype)
      return wrong("unknown dtype " + quote(value));
    tensor.dtype = *dtype;
    state = State::Tensor;
    return true;
  }

  bool key(std::string &name) override {
    if (state == State::Metadata) {
      if (++numMetadata > maxMetadata) {
        problem = "__metadata__: more than " + std::to_string(maxMetadata) + " entries";
        return false;
      }
      metadataKey = std::move(name);
      return true;
    }
    if (state == State::Top) {
      if (name == "__metadata__") {
        state = State::MetadataValue;
        return true;
      }
      if (name.find('\0') != std::string::npos) {
        problem = "tensor name " + quote(name) + " holds a NUL character";
        return false;
      }
      if (header.tensors.size() == maxTensors) {
        problem = "more than " + std::to_string(maxTensors) + " tensors";
        return false;
      }
      tensor = TensorInfo();
      tensor.name = std::move(name);
      seenDType = seenShape = seenOffsets = false;
      state = State::TensorValue;
      return true;
    }
    if (name == "dtype") {
      seenDType = true;
      state = State::DTypeField;
    } else if (name == "shape") {
      seenShape = true;
      state = State::ShapeField;
    } else if (name == "data_offsets") {
      seenOffsets = true;
      state = State::OffsetsField;
    } else {
      return wrong("unknown field " + quote(name) + ", expected dtype, shape and data_offsets");
    }
    return true;
  }

  bool startObject() override {
    if (state == State::Start)
      state = State::Top;
    else if (state == State::MetadataValue)
      state = State::Metadata;
    else if (state == State::TensorValue)
      state = State::Tensor;
    else
      return unexpected("an object");
    return true;
  }

  bool endObject() override {
    if (state == State::Tensor)
      return finishTensor();
    state = State::Top; // the end of the metadata, or of the header
    return true;
  }

  bool startArray() override {
    if (state == State::ShapeField)
      state = State::Shape;
    else if (state == State::OffsetsField) {
      state = State::Offsets;
      numOffsets = 0;
    } else
      return unexpected("an array");
    return true;
  }

  bool endArray() override {
    if (state == State::Offsets && numOffsets != 2)
      return wrong("expected 2 data_offsets, got " + std::to_string(numOffsets));
    state = State::Tensor;
    return true;
  }

  SafeTensorsHeader header;

private:
  enum class State {
    Start,
    Top,
    MetadataValue,
    Metadata,
    TensorValue,
    Tensor,
    DTypeField,
    ShapeField,
    Shape,
    OffsetsField,
    Offsets
  };

  bool wrong(const std::string &what) {
    problem = "tensor " + quote(tensor.name) + ": " + what;
    return false;
  }

  bool unexpected(const std::string &got) {
    switch (state) {
    case State::Start:
    case State::Top:
      problem = "expected the header to be an object, got " + got;
      return false;
    case State::MetadataValue:
      problem = "__metadata__: expected an object of strings, got " + got;
      return false;
    case State::Metadata:
      problem = "__metadata__: expected a string for " + quote(metadataKey) + ", got " + got;
      return false;
    case State::DTypeField:
      return wrong("expected the name of a dtype, got " + got);
    case State::ShapeField:
      return wrong("expected a shape, got " + got);
    case State::Shape:
      return wrong("expected an integer in the shape, got " + got);
    case State::OffsetsField:
    case State::Offsets:
      return wrong("expected two integers as data_offsets, got " + got);
    case State::TensorValue:
    case State::Tensor:
      return wrong("expected an object with dtype, shape and data_offsets, got " + got);
    }
    return false;
  }

  bool finishTensor() {
    const char *missing = !seenDType ? "dtype" : !seenShape ? "shape" : !seenOffsets ? "data_offsets" : nullptr;
    if (missing)
      return wrong(std::string("has no ") + missing);
    uint64_t bytes = 0;
    std::string range = "[" + std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + "]";
    std::string type = std::string(dtypeName(tensor.dtype)) + " " + shapeText(tensor.shape);
    if (!byteCount(tensor, bytes))
      return wrong("shape " + type + " overflows 64 bits");
    if (tensor.end < tensor.begin)
      return wrong("data_offsets " + range + " run backwards");
    if (tensor.bytes() != bytes)
      return wrong(type + " takes " + std::to_string(bytes) + " bytes, but data_offsets " + range + " span " +
                   std::to_string(tensor.bytes()));
    header.tensors.push_back(std::move(tensor));
    state = State::Top;
    return true;
  }

  State state = State::Start;
  TensorInfo tensor;
  std::string metadataKey;
  size_t numMetadata = 0;
  int numOffsets = 0;
  bool seenDType = false, seenShape = false, seenOffsets = false;
};

} // namespace

/// The tensors must follow one another from the first byte of the data to its last.
static Expected<Unit> checkTiling(std::vector<TensorInfo> &tensors, uint64_t dataBytes, const std::string &file) {
  auto fail = [&](const std::string &what) { return Error{file + ": " + what}; };
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo &a, const TensorInfo &b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  for (const TensorInfo &tensor : tensors)
    if (tensor.end > dataBytes)
      return fail("tensor " + quote(tensor.name) + " ends at byte " + std::to_string(tensor.end) +
                  " of the data, but the file holds only " + std::to_string(dataBytes) +
                  "; it may be truncated, fetch it again");
  uint64_t covered = 0;
  const TensorInfo *previous = nullptr;
  for (const TensorInfo &tensor : tensors) {
    if (tensor.begin < covered)
      return fail("tensors " + quote(previous->name) + " and " + quote(tensor.name) + " overlap");
    if (tensor.begin > covered)
      return fail("bytes " + std::to_string(covered) + " to " + std::to_string(tensor.begin) +
                  " of the data belong to no tensor");
    covered = tensor.end;
    previous = &tensor;
  }
  if (covered != dataBytes)
    return fail(std::to_string(dataBytes - covered) + " bytes follow the last tensor");
  return Unit{};
}

Expected<SafeTensorsHeader> moe::parseSafeTensorsHeader(const JsonSource &json, uint64_t jsonBytes, uint64_t fileBytes,
                                                        const std::string &file) {
  HeaderHandler handler;
  Expected<Unit> parsed = parseJson(json, file, handler);
  if (!parsed)
    return parsed.error();
  uint64_t dataBegin = sizeof(uint64_t) + jsonBytes;
  if (fileBytes < dataBegin)
    return Error{file + ": header longer than the file"};

  std::vector<TensorInfo> &tensors = handler.header.tensors;
  Expected<Unit> tiled = checkTiling(tensors, fileBytes - dataBegin, file);
  if (!tiled)
    return tiled.error();
  for (TensorInfo &tensor : tensors) {
    tensor.begin += dataBegin;
    tensor.end += dataBegin;
  }
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo &a, const TensorInfo &b) { return a.name < b.name; });
  return std::move(handler.header);
}
