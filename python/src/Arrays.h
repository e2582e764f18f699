// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arrays of any library that speaks DLPack, as the runtime's matrices, and memory that results are written to.
#ifndef MOE_PYTHON_SRC_ARRAYS_H
#define MOE_PYTHON_SRC_ARRAYS_H

#include "moe/Runtime/Runtime.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>
#include <vector>

namespace nb = nanobind;

using AnyArray = nb::ndarray<nb::ro>;

/// 0: the ABI has none for this type.
int32_t dtypeOf(nb::dlpack::dtype type);
nb::dlpack::dtype dlpackOf(int32_t dtype);
std::string nameOf(int32_t dtype);
size_t bytesOf(int32_t dtype);

/// An array of the host whose rows are dense, as rows of its last dimension; a TypeError or ValueError otherwise.
moe_tensor rowsOf(const AnyArray &array, const char *what);

/// Rows of a dtype in new memory that starts on a boundary of 64 bytes, as an object that exports DLPack.
nb::object newArray(const std::vector<size_t> &shape, int32_t dtype, void *&data);

void bindArrays(nb::module_ &module);

#endif // MOE_PYTHON_SRC_ARRAYS_H
