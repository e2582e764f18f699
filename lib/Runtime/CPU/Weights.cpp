// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Reading weights. Every matrix passes through a small staging buffer, so that loading needs little more memory than
// the packed weights; each (expert, source) is one task. Quantised formats round whole rows, so that a transposed
// matrix is staged whole.
//===----------------------------------------------------------------------===//
#include "Weights.h"

#include "Error.h"
#include "Layout.h"
#include "NumberFormat.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>

using namespace moe;

namespace {

constexpr int64_t stagingBytes = 1 << 20; // stays in the L2 cache between reading and packing

/// One expert's matrix of one source: where it lies, or its random key.
struct Matrix {
  const TensorInfo *tensor = nullptr;
  int64_t firstElement = 0;
  uint64_t key = 0;
};

struct Loader {
  Loader(const moe_weight_desc &weight, const char *layer, const WeightSource &source, PackedWeight &result)
      : weight(weight), layer(layer), source(source), result(result) {}

  const moe_weight_desc &weight;
  const char *layer;
  const WeightSource &source;
  Layout layout{};
  std::vector<Matrix> matrices; // [expert][source]
  std::vector<int64_t> used;    // the experts that are loaded
  PackedWeight &result;

  std::mutex lock;
  int64_t failedTask = INT64_MAX; // the lowest, so that the message does not depend on threads
  moe_status failedStatus = MOE_OK;
  std::string failedText;

  void listUsed();
  moe_status find();
  moe_status check(const TensorInfo &tensor, const moe_source_desc &from, bool stacked);
  moe_status read(int64_t task);
  moe_status fetch(const Matrix &matrix, int64_t first, int64_t count, void *raw);
  void runTasks(int64_t begin, int64_t end);
};

} // namespace

static std::string withExpert(std::string name, int64_t expert) {
  const std::string number = std::to_string(expert);
  for (size_t at = name.find("{e}"); at != std::string::npos; at = name.find("{e}", at + number.size()))
    name.replace(at, 3, number);
  return name;
}

/// The shapes that a tensor may have; the first is the one that messages name.
static std::vector<std::vector<int64_t>> acceptedShapes(const moe_source_desc &from, int64_t experts, bool stacked) {
  std::vector<std::vector<int64_t>> matrices;
  matrices.push_back(from.transposed ? std::vector<int64_t>{from.cols, from.stored_rows}
                                     : std::vector<int64_t>{from.stored_rows, from.cols});
  if (from.cols == 1)
    matrices.push_back({from.stored_rows});
  if (from.stored_rows == 1)
    matrices.push_back({from.cols});
  std::vector<std::vector<int64_t>> shapes;
  if (stacked) {
    for (std::vector<int64_t> shape : matrices) {
      shape.insert(shape.begin(), experts);
      shapes.push_back(shape);
    }
    // Matrices one below the other are the same elements in the same order.
    int64_t lines;
    if (!__builtin_mul_overflow(experts, matrices.front()[0], &lines))
      shapes.push_back({lines, matrices.front()[1]});
  }
  if (!stacked || experts == 1)
    shapes.insert(stacked && experts == 1 ? shapes.begin() : shapes.end(), matrices.begin(), matrices.end());
  return shapes;
}

moe_status Loader::check(const TensorInfo &tensor, const moe_source_desc &from, bool stacked) {
  const char *file = source.checkpoint->fileOf(tensor).c_str();
  if (tensor.dtype != DType::F32 && tensor.dtype != DType::BF16 && tensor.dtype != DType::F16)
    return fail(MOE_CHECKPOINT_ERROR, "%s: tensor '%s': expected F32, BF16 or F16, got %s; convert the checkpoint",
                file, tensor.name.c_str(), std::string(dtypeName(tensor.dtype)).c_str());
  auto shapes = acceptedShapes(from, weight.experts, stacked);
  if (std::find(shapes.begin(), shapes.end(), tensor.shape) == shapes.end())
    return fail(MOE_CHECKPOINT_ERROR,
                "%s: tensor '%s': expected shape %s, got %s; use the checkpoint that %s was compiled for", file,
                tensor.name.c_str(), shapeText(shapes.front()).c_str(), shapeText(tensor.shape).c_str(), layer);
  return MOE_OK;
}

void Loader::listUsed() {
  const moe_expert_range *unused = weight.unused, *end = unused + weight.num_unused;
  for (int64_t e = 0; e < weight.experts; ++e) {
    while (unused != end && unused->end <= e)
      ++unused;
    if (unused == end || e < unused->begin)
      used.push_back(e);
  }
}

moe_status Loader::find() {
  matrices.resize(size_t(weight.experts * weight.num_sources));
  for (int64_t s = 0; s < weight.num_sources; ++s) {
    const moe_source_desc &from = weight.sources[s];
    bool stacked = !std::strstr(from.name, "{e}");
    for (int64_t e : used) {
      Matrix &matrix = matrices[size_t(e * weight.num_sources + s)];
      // Used with a checkpoint only, whose tensor is as large as this says once its shape has been checked.
      matrix.firstElement = stacked && source.checkpoint ? e * (from.stored_rows * from.cols) : 0;
      if (!source.checkpoint) {
        matrix.key = randomKey(source.seed, from.name, e);
        continue;
      }
      if (stacked && e != used.front()) {
        matrix.tensor = matrices[size_t(used.front() * weight.num_sources + s)].tensor;
        continue;
      }
      std::string name = withExpert(from.name, e);
      matrix.tensor = source.checkpoint->find(name);
      if (!matrix.tensor)
        return fail(MOE_CHECKPOINT_ERROR,
                    "%s: expected a tensor '%s' (weight '%s' of %s), got none; use the checkpoint that the library was "
                    "compiled for",
                    source.checkpoint->path().c_str(), name.c_str(), weight.symbol, layer);
      if (moe_status status = check(*matrix.tensor, from, stacked))
        return status;
    }
  }
  return MOE_OK;
}

/// Elements [first, first + count) of a stored matrix in the order and type they are stored in.
moe_status Loader::fetch(const Matrix &matrix, int64_t first, int64_t count, void *raw) {
  if (!source.checkpoint) {
    randomElements(matrix.key, layout.cols, first, count, static_cast<float *>(raw));
    return MOE_OK;
  }
  int64_t size = int64_t(dtypeSize(matrix.tensor->dtype));
  auto done = source.checkpoint->read(*matrix.tensor, uint64_t((matrix.firstElement + first) * size), raw,
                                      uint64_t(count * size));
  return done ? MOE_OK : fail(MOE_IO_ERROR, "%s", done.message().c_str());
}

moe_status Loader::read(int64_t task) {
  int64_t expert = used[size_t(task / weight.num_sources)], s = task % weight.num_sources;
  const Matrix &matrix = matrices[size_t(expert * weight.num_sources + s)];
  const moe_source_desc &part = weight.sources[s];
  // Random matrices are drawn as [stored_rows, K], whatever the checkpoint would have: so the parts of one differ.
  bool transposed = source.checkpoint && part.transposed;
  int32_t from = source.checkpoint ? int32_t(matrix.tensor->dtype) : int32_t(MOE_F32);
  // Lines are columns of the weight when transposed, otherwise its rows, with the stored rows up to the next one.
  int64_t lines = transposed ? layout.cols : layout.rows;
  int64_t length = transposed ? part.stored_rows : layout.cols * part.row_step;
  int64_t first = transposed ? 0 : part.row_begin * layout.cols;
  int64_t unit = transposed ? layout.kGroup : std::max<int64_t>(1, layout.panel);
  int64_t step = std::max<int64_t>(1, stagingBytes / 4 / length / unit) * unit;
  step = std::min(step, lines);
  if (transposed && layout.format)
    step = lines;
  const int32_t to = layout.format ? int32_t(MOE_F32) : weight.dtype;
  // The last row ends with its last element: what lies between it and a next one may be outside of the tensor.
  auto elements = [&](int64_t count) { return transposed ? count * length : (count - 1) * length + layout.cols; };
  std::unique_ptr<uint32_t[]> raw(new uint32_t[size_t(elements(step))]);
  std::unique_ptr<uint32_t[]> converted;
  if (from != to)
    converted.reset(new uint32_t[size_t(elements(step))]);
  void *packed = const_cast<void *>(result.experts[size_t(expert)]);
  for (int64_t line = 0; line < lines; line += step) {
    int64_t count = std::min(step, lines - line);
    if (moe_status status = fetch(matrix, first + line * length, elements(count), raw.get()))
      return status;
    const void *data = raw.get();
    if (converted) {
      convertElements(from, raw.get(), to, converted.get(), elements(count));
      data = converted.get();
    }
    if (layout.format && transposed)
      packRounded(layout, s, 0, layout.rows, static_cast<const float *>(data) + part.row_begin, part.row_step, length,
                  packed);
    else if (layout.format)
      packRounded(layout, s, line, count, static_cast<const float *>(data), length, 1, packed);
    else if (transposed)
      packPiece(layout, s, 0, layout.rows, line, count,
                static_cast<const char *>(data) + part.row_begin * layout.elementBytes, part.row_step, length, packed);
    else
      packPiece(layout, s, line, count, 0, layout.cols, data, length, 1, packed);
  }
  return MOE_OK;
}

void Loader::runTasks(int64_t begin, int64_t end) {
  for (int64_t task = begin; task < end; ++task) {
    moe_status status = guard([&] { return read(task); });
    if (status == MOE_OK)
      continue;
    std::lock_guard<std::mutex> held(lock);
    if (task < failedTask) {
      failedTask = task;
      failedStatus = status;
      failedText.assign(moe_last_error());
    }
    return;
  }
}

moe_status moe::loadWeight(const moe_weight_desc &weight, const char *layer, const WeightSource &source, moe_pool *pool,
                           PackedWeight &result) {
  Loader loader(weight, layer, source, result);
  if (!layoutOf(weight, loader.layout))
    return fail(MOE_INVALID_ARGUMENT, "%s: weight '%s': malformed descriptor", layer, weight.symbol);
  loader.listUsed();
  if (moe_status status = loader.find())
    return status;
  int64_t bytes = packedBytes(loader.layout);
  // Plain experts are one array, in which the unused ones have a place. Elsewhere these have none: their addresses are
  // that of another expert, or of zeros where there is none, as a kernel may look there for a row of NaN.
  bool plain = weight.panel == 0;
  int64_t held = plain ? weight.experts : std::max<int64_t>(1, int64_t(loader.used.size()));
  result.memory = Block(size_t(bytes * held));
  result.experts.assign(size_t(weight.experts), result.memory.data());
  for (int64_t i = 0; i < (plain ? held : int64_t(loader.used.size())); ++i)
    result.experts[size_t(plain ? i : loader.used[size_t(i)])] = result.memory.data() + i * bytes;
  auto tasks = [](void *data, int64_t begin, int64_t end) { static_cast<Loader *>(data)->runTasks(begin, end); };
  moe_parallel_for(pool, int64_t(loader.used.size()) * weight.num_sources, tasks, &loader);
  if (loader.failedStatus)
    return fail(loader.failedStatus, "%s", loader.failedText.c_str());
  return MOE_OK;
}
