// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls of a layer. The runtime checks every argument, so that addresses that Python computed are trusted to be those
// of live memory and nothing more.
#include "Library.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

using namespace nb::literals;

/// Address, rows, columns, stride, moe_dtype (or that of 64-bit ids).
using Rows = std::tuple<uintptr_t, int64_t, int64_t, int64_t, int32_t>;

static constexpr int32_t wideIds = 5;
static constexpr size_t maxOperands = 16; // of the runtime

static moe_tensor tensorOf(const Rows &rows) {
  return {reinterpret_cast<void *>(std::get<0>(rows)),
          std::get<1>(rows),
          std::get<2>(rows),
          std::get<3>(rows),
          std::get<4>(rows),
          0};
}

/// Ids of 64 bits in 32: an id that no expert has goes nowhere, as does the id that expert parallelism gives to slots
/// of other processes.
static moe_tensor narrowed(const moe_tensor &wide, int64_t experts, std::vector<int32_t> &memory) {
  memory.resize(size_t(wide.rows * wide.cols));
  const auto *from = static_cast<const int64_t *>(wide.data);
  for (int64_t i = 0; i < wide.rows; ++i)
    for (int64_t j = 0; j < wide.cols; ++j) {
      int64_t id = from[i * wide.stride + j];
      memory[size_t(i * wide.cols + j)] = id < 0 || id >= experts ? -1 : int32_t(id);
    }
  return {memory.data(), wide.rows, wide.cols, wide.cols, MOE_I32, 0};
}

static void call(const Layer &layer, moe_tensor *inputs, const moe_tensor *outputs, int64_t experts) {
  moe_status status;
  std::string error;
  {
    nb::gil_scoped_release release;
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < layer.desc->num_inputs; ++i)
      if (inputs[i].dtype == wideIds && layer.desc->inputs[i].dtype == MOE_I32 && ids.empty())
        inputs[i] = narrowed(inputs[i], experts, ids);
    status = moe_layer_run(layer.layer.get(), inputs, outputs, nullptr, 0, layer.pool->pool.get());
    if (status != MOE_OK)
      error = moe_last_error();
  }
  if (status != MOE_OK)
    throw RuntimeFailure(error);
}

static moe_tensor dropped(const moe_operand_desc &operand, int64_t tokens) {
  int64_t cols = operand.rank == 2 ? operand.shape[1] : 1;
  return {nullptr, operand.shape[0] == -1 ? tokens : operand.shape[0], cols, cols, operand.dtype, 0};
}

/// Every input, and those outputs that somebody wants, in the descriptor's order.
static void run(const Layer &layer, const std::vector<Rows> &inputs, const std::vector<std::optional<Rows>> &outputs,
                int64_t experts) {
  if (int64_t(inputs.size()) != layer.desc->num_inputs || int64_t(outputs.size()) != layer.desc->num_outputs)
    throw nb::value_error("another number of inputs or outputs than the layer has");
  moe_tensor in[maxOperands], out[maxOperands];
  for (size_t i = 0; i < inputs.size(); ++i)
    in[i] = tensorOf(inputs[i]);
  int64_t tokens = inputs.empty() ? 1 : in[0].rows;
  for (size_t i = 0; i < outputs.size(); ++i)
    out[i] = outputs[i] ? tensorOf(*outputs[i]) : dropped(layer.desc->outputs[i], tokens);
  call(layer, in, out, experts);
}

/// The common case: one input of dense rows, the first output, both of the layer's own types and widths.
static void runRows(const Layer &layer, uintptr_t input, int64_t tokens, int64_t stride, uintptr_t output) {
  const moe_layer_desc &desc = *layer.desc;
  moe_tensor in[maxOperands], out[maxOperands];
  if (desc.num_inputs != 1)
    throw nb::value_error("expected a layer of one input");
  in[0] = dropped(desc.inputs[0], tokens);
  in[0].data = reinterpret_cast<void *>(input);
  in[0].stride = stride;
  for (int64_t i = 0; i < desc.num_outputs; ++i)
    out[i] = dropped(desc.outputs[i], tokens);
  out[0].data = reinterpret_cast<void *>(output);
  call(layer, in, out, 0);
}

void bindLayer(nb::module_ &module) {
  nb::class_<Layer>(module, "Layer", "A layer with its weights, packed for this machine.")
      .def_prop_ro("level", [](const Layer &self) { return moe_layer_variant(self.layer.get())->level; })
      .def_prop_ro("packed", [](const Layer &self) { return int(moe_layer_packed(self.layer.get(), nullptr)); })
      .def_prop_ro("address", [](const Layer &self) { return reinterpret_cast<uintptr_t>(self.layer.get()); })
      .def_prop_ro("pool_address", [](const Layer &self) { return reinterpret_cast<uintptr_t>(self.pool->pool.get()); })
      .def(
          "run", &run, "inputs"_a, "outputs"_a, "experts"_a = 0,
          "Runs the layer on (address, rows, columns, stride, moe_dtype) of its inputs and of the outputs that are not "
          "None. With 64-bit ids, those outside of 0 .. experts - 1 are slots that go nowhere.")
      .def("run_rows", &runRows, "input"_a, "tokens"_a, "stride"_a, "output"_a);
}
