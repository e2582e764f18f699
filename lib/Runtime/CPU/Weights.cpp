// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Reading weights. Every matrix passes through a small staging buffer, so that loading needs little more memory than
// the packed weights. A task is some pieces of one expert with all of their sources: it writes memory front to back
// while the pages that the system cleared for it are still in the caches, and large pages in which no other task
// writes, since two threads that touch a page first at the same time both clear one. Quantised formats round whole
// rows, so that a transposed matrix is staged whole.
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

constexpr int64_t stagingBytes = 256 << 10; // stays in the L2 cache between reading and packing, with its copies
constexpr int64_t taskBytes = 4 << 20;      // of packed weights, two of the large pages

/// One expert's matrix of one source: where it lies, or its random key.
struct Matrix {
  const TensorInfo *tensor = nullptr;
  int64_t firstElement = 0;
  uint64_t key = 0;
};

struct Loader {
  Loader(const moe_weight_desc &weight, const char *layer, const WeightSource &source, Progress &progress,
         PackedWeight &result)
      : weight(weight), layer(layer), source(source), progress(progress), result(result) {}

  const moe_weight_desc &weight;
  const char *layer;
  const WeightSource &source;
  Progress &progress;
  Layout layout{};
  std::vector<Matrix> matrices; // [expert][source]
  std::vector<int64_t> used;    // the experts that are loaded
  // An expert is `pieces` pieces of `step` lines, of which a task takes some.
  int64_t step = 0, pieces = 0, piecesOfTask = 0, tasksOfExpert = 0;
  PackedWeight &result;

  std::mutex lock;
  int64_t failedTask = INT64_MAX; // the lowest, so that the message does not depend on threads
  moe_status failedStatus = MOE_OK;
  std::string failedText;

  moe_status find();
  moe_status check(const TensorInfo &tensor, const moe_source_desc &from, bool stacked);
  bool isTransposed(int64_t s) const { return source.checkpoint && weight.sources[s].transposed; }
  void cut();
  moe_status read(int64_t task);
  moe_status readPiece(int64_t expert, int64_t s, int64_t line, int64_t count);
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

static std::vector<int64_t> usedExperts(const moe_weight_desc &weight) {
  std::vector<int64_t> used;
  const moe_expert_range *unused = weight.unused, *end = unused + weight.num_unused;
  for (int64_t e = 0; e < weight.experts; ++e) {
    while (unused != end && unused->end <= e)
      ++unused;
    if (unused == end || e < unused->begin)
      used.push_back(e);
  }
  return used;
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

/// Lines are columns of the weight where its sources are stored transposed, otherwise its rows with the stored rows up
/// to the next one. Sources of both kinds, and rounding transposed ones, take an expert at once.
void Loader::cut() {
  bool transposed = isTransposed(0), mixed = false;
  int64_t length = 0;
  for (int64_t s = 0; s < weight.num_sources; ++s) {
    mixed |= isTransposed(s) != transposed;
    length = std::max(length, transposed ? weight.sources[s].stored_rows : layout.cols * weight.sources[s].row_step);
  }
  int64_t lines = transposed ? layout.cols : layout.rows;
  int64_t unit = transposed ? layout.kGroup : std::max<int64_t>(1, layout.panel);
  step = std::max<int64_t>(1, stagingBytes / 4 / length / unit) * unit;
  if (mixed || (transposed && layout.format))
    step = std::max(layout.rows, layout.cols);
  pieces = (lines - 1) / step + 1;
  int64_t bytesOfPiece = std::max<int64_t>(1, packedBytes(layout) / pieces);
  piecesOfTask = std::max<int64_t>(1, taskBytes / bytesOfPiece);
  // Transposed sources come in pieces along K, each of which goes everywhere in the expert.
  if (transposed)
    piecesOfTask = pieces;
  tasksOfExpert = (pieces - 1) / piecesOfTask + 1;
}

moe_status Loader::read(int64_t task) {
  int64_t expert = used[size_t(task / tasksOfExpert)], piece = task % tasksOfExpert * piecesOfTask;
  for (int64_t end = std::min(pieces, piece + piecesOfTask); piece < end; ++piece)
    for (int64_t s = 0; s < weight.num_sources; ++s) {
      int64_t lines = isTransposed(s) ? layout.cols : layout.rows, line = piece * step;
      if (moe_status status = readPiece(expert, s, line, std::min(step, lines - line)))
        return status;
    }
  return MOE_OK;
}

/// Lines [line, line + count) of one source of an expert.
moe_status Loader::readPiece(int64_t expert, int64_t s, int64_t line, int64_t count) {
  const Matrix &matrix = matrices[size_t(expert * weight.num_sources + s)];
  const moe_source_desc &part = weight.sources[s];
  // Random matrices are drawn as [stored_rows, K], whatever the checkpoint would have: so the parts of one differ.
  const bool transposed = isTransposed(s);
  const int32_t from = source.checkpoint ? int32_t(matrix.tensor->dtype) : int32_t(MOE_F32);
  const int32_t to = layout.format ? int32_t(MOE_F32) : weight.dtype;
  const int64_t length = transposed ? part.stored_rows : layout.cols * part.row_step;
  const int64_t first = transposed ? 0 : part.row_begin * layout.cols;
  // The last row ends with its last element: what lies between it and a next one may be outside of the tensor.
  const int64_t elements = transposed ? count * length : (count - 1) * length + layout.cols;
  // Not cleared before they are written.
  std::unique_ptr<char[]> raw(new char[size_t(elements * dtypeBytes(from))]), converted;
  if (moe_status status = fetch(matrix, first + line * length, elements, raw.get()))
    return status;
  const char *data = raw.get();
  if (from != to) {
    converted.reset(new char[size_t(elements * dtypeBytes(to))]);
    convertElements(from, raw.get(), to, converted.get(), elements);
    data = converted.get();
  }
  void *packed = const_cast<void *>(result.experts[size_t(expert)]);
  const int64_t begin = transposed ? part.row_begin * dtypeBytes(to) : 0;
  if (layout.format && transposed)
    packRounded(layout, s, 0, layout.rows, reinterpret_cast<const float *>(data + begin), part.row_step, length,
                packed);
  else if (layout.format)
    packRounded(layout, s, line, count, reinterpret_cast<const float *>(data), length, 1, packed);
  else if (transposed)
    packPiece(layout, s, 0, layout.rows, line, count, data + begin, part.row_step, length, packed);
  else
    packPiece(layout, s, line, count, 0, layout.cols, data, length, 1, packed);
  return MOE_OK;
}

void Loader::runTasks(int64_t begin, int64_t end) {
  for (int64_t task = begin; task < end; ++task) {
    moe_status status = guard([&] { return read(task); });
    if (status == MOE_OK) {
      // The first task of an expert counts what the division leaves.
      int64_t bytes = packedBytes(layout), share = bytes / tasksOfExpert;
      progress.add(task % tasksOfExpert == 0 ? bytes - share * (tasksOfExpert - 1) : share);
      continue;
    }
    std::lock_guard<std::mutex> held(lock);
    if (task < failedTask) {
      failedTask = task;
      failedStatus = status;
      failedText.assign(moe_last_error());
    }
    return;
  }
}

// Plain experts are one array, in which the unused ones have a place. Elsewhere these have none: their addresses are
// that of another expert, or of zeros where there is none, as a kernel may look there for a row of NaN.
WeightPlaces moe::placesOf(const moe_weight_desc &weight) {
  Layout layout;
  layoutOf(weight, layout);
  int64_t count = weight.panel == 0 ? weight.experts : std::max<int64_t>(1, int64_t(usedExperts(weight).size()));
  return {packedBytes(layout), count};
}

void moe::pointAtExperts(const moe_weight_desc &weight, const char *start, PackedWeight &result) {
  const int64_t bytes = placesOf(weight).bytes;
  result.experts.assign(size_t(weight.experts), start);
  if (weight.panel == 0)
    for (int64_t e = 0; e < weight.experts; ++e)
      result.experts[size_t(e)] = start + e * bytes;
  else
    for (int64_t place = 0; int64_t e : usedExperts(weight))
      result.experts[size_t(e)] = start + place++ * bytes;
}

moe_status moe::loadWeight(const moe_weight_desc &weight, const char *layer, const WeightSource &source, moe_pool *pool,
                           Progress &progress, PackedWeight &result) {
  Loader loader(weight, layer, source, progress, result);
  if (!layoutOf(weight, loader.layout))
    return fail(MOE_INVALID_ARGUMENT, "%s: weight '%s': malformed descriptor", layer, weight.symbol);
  loader.used = usedExperts(weight);
  if (moe_status status = loader.find())
    return status;
  loader.cut();
  WeightPlaces places = placesOf(weight);
  result.memory = Block(size_t(places.allBytes()));
  pointAtExperts(weight, result.memory.data(), result);
  auto tasks = [](void *data, int64_t begin, int64_t end) { static_cast<Loader *>(data)->runTasks(begin, end); };
  moe_parallel_for(pool, int64_t(loader.used.size()) * loader.tasksOfExpert, tasks, &loader);
  if (loader.failedStatus)
    return fail(loader.failedStatus, "%s", loader.failedText.c_str());
  // What the tasks have not counted: places of unused experts.
  progress.add((places.count - int64_t(loader.used.size())) * places.bytes);
  return MOE_OK;
}
