// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Tensor.cpp - matrices that go into and come out of a layer -----------------------------------------===//

#include "moe/Driver/Tensor.h"

#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Checkpoint/Convert.h"
#include "moe/Driver/Cost.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace mlir::moe;
using ::moe::Checkpoint;
using ::moe::DType;
using ::moe::Error;

Tensor::Tensor(std::string name, int32_t dtype, int64_t rank, int64_t rows, int64_t cols)
    : name(std::move(name)), dtype(dtype), rank(rank), rows(rows), cols(cols),
      bytes(size_t(rows * cols * bytesOf(dtype))) {}

template <class T>
static T load(const char *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

static double numberAt(int32_t dtype, const char *at) {
  switch (dtype) {
  case MOE_F32:
    return load<float>(at);
  case MOE_BF16:
    return ::moe::bf16ToFloat(load<uint16_t>(at));
  case MOE_F16:
    return ::moe::f16ToFloat(load<uint16_t>(at));
  default:
    return load<int32_t>(at);
  }
}

double Tensor::at(int64_t i) const { return numberAt(dtype, bytes.data() + i * bytesOf(dtype)); }

moe_tensor Tensor::view() { return {bytes.data(), rows, cols, cols, dtype, 0}; }

static void store(Tensor &tensor, int64_t i, float value) {
  char *at = tensor.bytes.data() + i * bytesOf(tensor.dtype);
  uint16_t half = tensor.dtype == MOE_BF16 ? ::moe::floatToBf16(value) : ::moe::floatToF16(value);
  if (tensor.dtype == MOE_F32)
    std::memcpy(at, &value, sizeof value);
  else
    std::memcpy(at, &half, sizeof half);
}

Expected<Tensor> mlir::moe::readTensor(const std::string &file, const std::string &name, int32_t dtype) {
  auto checkpoint = Checkpoint::open(file);
  if (!checkpoint)
    return checkpoint.error();
  const auto &all = (*checkpoint)->tensors();
  if (name.empty() && all.size() != 1)
    return Error{file + ": expected --tensor NAME, got none, and the file has " + std::to_string(all.size()) +
                 " tensors"};
  const ::moe::TensorInfo *info = name.empty() ? &all.front() : (*checkpoint)->find(name);
  if (!info)
    return Error{file + ": expected a tensor '" + name + "', got none; see --tensor"};
  if (info->dtype != DType::F32 && info->dtype != DType::BF16 && info->dtype != DType::F16)
    return Error{file + ": tensor '" + info->name + "': expected F32, BF16 or F16, got " +
                 std::string(::moe::dtypeName(info->dtype))};
  if (info->shape.empty())
    return Error{file + ": tensor '" + info->name + "': expected rows, got a single number"};
  int64_t rows = 1, cols = info->shape.back();
  for (size_t i = 0; i + 1 < info->shape.size(); ++i)
    rows *= info->shape[i];
  // F32, BF16 and F16 have the same numbers in both enumerations.
  Tensor stored(info->name, int32_t(info->dtype), 2, rows, cols);
  if (auto read = (*checkpoint)->read(*info, 0, stored.bytes.data(), info->bytes()); !read)
    return read.error();
  if (stored.dtype == dtype)
    return stored;
  Tensor result(info->name, dtype, 2, rows, cols);
  for (int64_t i = 0; i < rows * cols; ++i)
    store(result, i, float(stored.at(i)));
  return result;
}

Tensor mlir::moe::randomTensor(const std::string &name, int32_t dtype, int64_t rows, int64_t cols, uint64_t seed) {
  Tensor tensor(name, dtype, 2, rows, cols);
  uint64_t state = seed;
  for (int64_t i = 0; i < rows * cols; ++i) {
    // SplitMix64: every bit of the counter reaches every bit of the result.
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    store(tensor, i, float((double(z >> 11) * 0x1p-53 - 0.5) * std::sqrt(12.0)));
  }
  return tensor;
}

void mlir::moe::orderByExpert(std::vector<Tensor> &outputs) {
  auto named = [&](const char *name) {
    return std::find_if(outputs.begin(), outputs.end(), [&](const Tensor &tensor) { return tensor.name == name; });
  };
  auto experts = named("experts"), weights = named("weights");
  if (experts == outputs.end() || weights == outputs.end() || experts->dtype != MOE_I32 ||
      experts->rows != weights->rows || experts->cols != weights->cols)
    return;
  auto *ids = reinterpret_cast<int32_t *>(experts->bytes.data());
  size_t width = experts->rows * experts->cols == 0 ? 0 : weights->bytes.size() / (experts->rows * experts->cols);
  std::vector<size_t> order(experts->cols);
  std::vector<int32_t> rowIds(experts->cols);
  std::vector<char> rowWeights(experts->cols * width);
  for (int64_t row = 0; row < experts->rows; ++row) {
    int32_t *rowBegin = ids + row * experts->cols;
    char *weightBegin = weights->bytes.data() + row * experts->cols * width;
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rowBegin[a] < rowBegin[b]; });
    for (size_t i = 0; i < order.size(); ++i) {
      rowIds[i] = rowBegin[order[i]];
      std::copy_n(weightBegin + order[i] * width, width, rowWeights.data() + i * width);
    }
    std::copy(rowIds.begin(), rowIds.end(), rowBegin);
    std::copy(rowWeights.begin(), rowWeights.end(), weightBegin);
  }
}

Expected<Unit> mlir::moe::writeTensors(const std::string &file, const std::vector<Tensor> &tensors) {
  std::vector<::moe::TensorToWrite> list;
  for (const Tensor &tensor : tensors) {
    std::vector<int64_t> shape = {tensor.rows};
    if (tensor.rank == 2)
      shape.push_back(tensor.cols);
    list.push_back({tensor.name, DType(tensor.dtype), shape, tensor.bytes.data()});
  }
  return ::moe::writeSafeTensors(file, list);
}
