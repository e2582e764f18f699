// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Tensor.h - matrices that go into and come out of a layer -------------------------------------------===//

#ifndef MOE_DRIVER_TENSOR_H
#define MOE_DRIVER_TENSOR_H

#include "moe/Checkpoint/Expected.h"
#include "moe/Runtime/Runtime.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::moe {

using ::moe::Expected;
using ::moe::Unit;

/// A dense matrix of a moe_dtype; a vector has one column.
struct Tensor {
  std::string name;
  int32_t dtype = MOE_F32;
  int64_t rank = 2;
  int64_t rows = 0, cols = 0;
  std::vector<char> bytes;

  Tensor() = default;
  Tensor(std::string name, int32_t dtype, int64_t rank, int64_t rows, int64_t cols);

  /// Element i in row-major order; integers too are given as numbers.
  double at(int64_t i) const;
  moe_tensor view();
};

/// Reads a matrix from a safetensors file and converts it to `dtype`. A tensor of higher rank is read as rows of its
/// last dimension. An empty name is the file's only tensor.
Expected<Tensor> readTensor(const std::string &file, const std::string &name, int32_t dtype);

/// Rows of independent numbers of mean 0 and variance 1, a function of the seed alone.
Tensor randomTensor(const std::string &name, int32_t dtype, int64_t rows, int64_t cols, uint64_t seed);

/// Puts the experts of each row in ascending order, and the weights with them: the order in which files of expected
/// outputs list them. Layers give the best expert first. Outputs without "experts" and "weights" stay as they are.
void orderByExpert(std::vector<Tensor> &outputs);

/// Writes tensors to a safetensors file.
Expected<Unit> writeTensors(const std::string &file, const std::vector<Tensor> &tensors);

} // namespace mlir::moe

#endif // MOE_DRIVER_TENSOR_H
