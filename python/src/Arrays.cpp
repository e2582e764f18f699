// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Arrays.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>
#include <new>

// Not in moe_dtype: ids of experts that are rounded to MOE_I32 before a call.
static constexpr int32_t wideIds = 5;

int32_t dtypeOf(nb::dlpack::dtype type) {
  if (type.lanes != 1)
    return 0;
  auto code = nb::dlpack::dtype_code(type.code);
  if (code == nb::dlpack::dtype_code::Float)
    return type.bits == 32 ? MOE_F32 : type.bits == 16 ? MOE_F16 : 0;
  if (code == nb::dlpack::dtype_code::Bfloat)
    return type.bits == 16 ? MOE_BF16 : 0;
  if (code == nb::dlpack::dtype_code::Int)
    return type.bits == 32 ? MOE_I32 : type.bits == 64 ? wideIds : 0;
  return 0;
}

nb::dlpack::dtype dlpackOf(int32_t dtype) {
  auto make = [](nb::dlpack::dtype_code code, uint8_t bits) { return nb::dlpack::dtype{uint8_t(code), bits, 1}; };
  switch (dtype) {
  case MOE_BF16:
    return make(nb::dlpack::dtype_code::Bfloat, 16);
  case MOE_F16:
    return make(nb::dlpack::dtype_code::Float, 16);
  case MOE_I32:
    return make(nb::dlpack::dtype_code::Int, 32);
  default:
    return make(nb::dlpack::dtype_code::Float, 32);
  }
}

std::string nameOf(int32_t dtype) {
  switch (dtype) {
  case MOE_F32:
    return "float32";
  case MOE_BF16:
    return "bfloat16";
  case MOE_F16:
    return "float16";
  case MOE_I32:
    return "int32";
  case wideIds:
    return "int64";
  default:
    return "another type";
  }
}

size_t bytesOf(int32_t dtype) { return dtype == MOE_BF16 || dtype == MOE_F16 ? 2 : dtype == wideIds ? 8 : 4; }

moe_tensor rowsOf(const AnyArray &array, const char *what) {
  if (array.device_type() != nb::device::cpu::value)
    throw nb::type_error((std::string(what) + ": expected an array in the host's memory, got one of a device; move it "
                                              "with .cpu()")
                             .c_str());
  int32_t dtype = dtypeOf(array.dtype());
  if (!dtype)
    throw nb::type_error(
        (std::string(what) + ": expected float32, bfloat16, float16, int32 or int64, got another type").c_str());
  size_t rank = array.ndim();
  if (rank == 0)
    throw nb::value_error((std::string(what) + ": expected rows, got a number").c_str());
  int64_t cols = int64_t(array.shape(rank - 1)), rows = 1;
  for (size_t d = 0; d + 1 < rank; ++d)
    rows *= int64_t(array.shape(d));
  moe_tensor tensor = {const_cast<void *>(array.data()), rows, cols, cols, dtype, 0};
  if (rows == 0 || cols == 0)
    return tensor;
  // One distance from each row to the next, however many dimensions count the rows.
  bool dense = cols == 1 || array.stride(rank - 1) == 1;
  int64_t stride = rows == 1 ? cols : 0;
  int64_t expected = 0;
  for (size_t d = rank - 1; d-- > 0;) {
    int64_t size = int64_t(array.shape(d));
    if (size == 1)
      continue;
    if (expected == 0)
      stride = array.stride(d);
    else
      dense = dense && array.stride(d) == expected;
    expected = array.stride(d) * size;
  }
  if (!dense || stride < cols)
    throw nb::value_error(
        (std::string(what) + ": expected rows of neighbouring elements, got other strides; make it contiguous")
            .c_str());
  tensor.stride = stride;
  return tensor;
}

nb::object newArray(const std::vector<size_t> &shape, int32_t dtype, void *&data) {
  size_t bytes = bytesOf(dtype);
  for (size_t size : shape)
    bytes *= size;
  data = std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  if (!data)
    throw std::bad_alloc();
  nb::capsule owner(data, [](void *memory) noexcept { std::free(memory); });
  return nb::cast(nb::ndarray<nb::array_api>(data, shape.size(), shape.data(), owner, nullptr, dlpackOf(dtype),
                                             nb::device::cpu::value, 0));
}

void bindArrays(nb::module_ &module) {
  module.def(
      "empty",
      [](const std::vector<size_t> &shape, int32_t dtype) {
        void *data;
        return newArray(shape, dtype, data);
      },
      nb::arg("shape"), nb::arg("dtype"), "New memory as an object that exports DLPack; dtype is a moe_dtype.");
  module.def(
      "rows",
      [](const AnyArray &array) {
        moe_tensor rows = rowsOf(array, "array");
        return nb::make_tuple(reinterpret_cast<uintptr_t>(rows.data), rows.rows, rows.cols, rows.stride, rows.dtype);
      },
      nb::arg("array"),
      "An array's rows as (address, rows, columns, elements from a row to the next, moe_dtype), while it lives.");
  module.attr("F32") = int(MOE_F32);
  module.attr("BF16") = int(MOE_BF16);
  module.attr("F16") = int(MOE_F16);
  module.attr("I32") = int(MOE_I32);
  module.attr("I64") = int(wideIds);
}
