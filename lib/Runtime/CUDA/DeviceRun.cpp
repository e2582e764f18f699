// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Running a layer on a device: checks every argument, then starts kernels by the launch records.
//===----------------------------------------------------------------------===//
#include "DeviceLibrary.h"
#include "Error.h"
#include "Layout.h"
#include "Library.h"

#include <cinttypes>

using namespace moe;

namespace {

constexpr size_t alignment = 256;

size_t roundUp(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

struct Operands {
  void *data[maxOperands];
  int64_t strides[maxOperands];
};

} // namespace

static size_t bytesOf(const moe_operand_desc &operand, int64_t tokens) {
  size_t bytes = size_t(dtypeBytes(operand.dtype));
  for (int64_t d = 0; d != operand.rank; ++d)
    bytes *= size_t(operand.shape[d] == -1 ? tokens : operand.shape[d]);
  return bytes;
}

/// Above this no grid, offset or workspace of a layer overflows 63 bits: widths are at most 2^40.
static constexpr int64_t maxTokens = INT32_MAX;

static moe_status workspaceSize(const moe_device_layer &layer, int64_t tokens, size_t &program, size_t &all) {
  if (tokens < 0 || tokens > maxTokens)
    return fail(MOE_INVALID_ARGUMENT, "%s: expected 0 to %" PRId64 " tokens, got %" PRId64, layer.desc->name, maxTokens,
                tokens);
  const SizeExpression &size = layer.record->program->workspace;
  // Twice the tokens never need more than twice the bytes, so a small number bounds a large one.
  constexpr uint64_t few = 1 << 16;
  uint64_t bound = size(few) >> 16;
  if (tokens > int64_t(few) && __builtin_mul_overflow(bound + 1, uint64_t(tokens) * 2, &bound))
    return fail(MOE_INVALID_ARGUMENT, "%s: expected a number of tokens whose workspace can be addressed, got %" PRId64,
                layer.desc->name, tokens);
  program = tokens ? size(uint64_t(tokens)) : 0;
  all = roundUp(program);
  for (int64_t i = 0; i != layer.desc->num_outputs; ++i)
    all += roundUp(bytesOf(layer.desc->outputs[i], tokens));
  return MOE_OK;
}

moe_status moe_device_layer_workspace_size(const moe_device_layer *layer, int64_t tokens, size_t *bytes) {
  return guard([&] {
    if (bytes)
      *bytes = 0;
    if (!layer || !bytes)
      return fail(MOE_INVALID_ARGUMENT, "moe_device_layer_workspace_size: layer or bytes is null");
    size_t program;
    return workspaceSize(*layer, tokens, program, *bytes);
  });
}

/// The number of tokens is the first dimension of the first tensor that has T rows.
static int64_t tokensOf(const moe_layer_desc &layer, const moe_tensor *inputs, const moe_tensor *outputs) {
  for (int64_t i = 0; i < layer.num_inputs; ++i)
    if (layer.inputs[i].shape[0] == -1)
      return inputs[i].rows;
  for (int64_t i = 0; i < layer.num_outputs; ++i)
    if (layer.outputs[i].shape[0] == -1)
      return outputs[i].rows;
  return 1;
}

/// `onHost`: the data is, so kernels will not see its alignment.
static moe_status check(const char *layer, const moe_operand_desc &operand, int64_t align, const moe_tensor &tensor,
                        int64_t tokens, bool output, bool onHost) {
  auto wrong = [&](const char *what, int64_t expected, int64_t got) {
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: expected %s %" PRId64 ", got %" PRId64, layer, operand.name, what,
                expected, got);
  };
  int64_t rows = operand.shape[0] == -1 ? tokens : operand.shape[0], cols = operand.rank == 2 ? operand.shape[1] : 1;
  if (tensor.dtype != operand.dtype)
    return wrong("moe_dtype", operand.dtype, tensor.dtype);
  if (tensor.rows < 0 || tensor.rows != rows)
    return wrong("rows", rows, tensor.rows);
  if (tensor.cols != cols)
    return wrong("columns", cols, tensor.cols);
  if (tensor.stride < cols)
    return wrong("a stride of at least", cols, tensor.stride);
  int64_t size = dtypeBytes(operand.dtype), bytes;
  if (__builtin_mul_overflow(tensor.stride, size, &bytes) || __builtin_mul_overflow(bytes, rows, &bytes))
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: %" PRId64 " rows with a stride of %" PRId64 " overflow", layer,
                operand.name, rows, tensor.stride);
  if (!tensor.data)
    return output || rows == 0 || cols == 0
               ? MOE_OK
               : fail(MOE_INVALID_ARGUMENT, "%s: %s: expected data, got null", layer, operand.name);
  if (onHost)
    align = size;
  if (reinterpret_cast<uintptr_t>(tensor.data) % uintptr_t(align) != 0)
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: expected data aligned to %" PRId64 " bytes", layer, operand.name, align);
  if (rows > 1 && tensor.stride * size % align != 0)
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: expected a stride of a multiple of %" PRId64 " bytes, got %" PRId64,
                layer, operand.name, align, tensor.stride * size);
  return MOE_OK;
}

static moe_status checkAll(const moe_device_layer &layer, const moe_tensor *inputs, const moe_tensor *outputs,
                           int64_t tokens, bool onHost) {
  const moe_layer_desc &desc = *layer.desc;
  const DeviceProgram &program = *layer.record->program;
  for (int64_t i = 0; i < desc.num_inputs; ++i)
    if (moe_status status = check(desc.name, desc.inputs[i], program.inputs[size_t(i)].alignment, inputs[i], tokens,
                                  /*output=*/false, onHost))
      return status;
  for (int64_t i = 0; i < desc.num_outputs; ++i)
    if (moe_status status = check(desc.name, desc.outputs[i], program.outputs[size_t(i)].alignment, outputs[i], tokens,
                                  /*output=*/true, onHost))
      return status;
  return MOE_OK;
}

/// Starts every kernel, or none: sizes are looked at first.
static moe_status launch(const moe_device_layer &layer, int64_t tokens, std::vector<uint64_t> &values, void *stream) {
  const DeviceLibraryState &state = *layer.library;
  const std::vector<DeviceLaunch> &launches = layer.record->program->launches;
  std::vector<void *> parameters;
  for (uint64_t &value : values)
    parameters.push_back(&value);
  std::vector<uint64_t> grids;
  for (const DeviceLaunch &launch : launches) {
    grids.push_back(launch.when(uint64_t(tokens)) ? launch.grid(uint64_t(tokens)) : 0);
    if (grids.back() > INT32_MAX)
      return fail(MOE_INVALID_ARGUMENT, "%s: kernel '%s': %" PRIu64 " blocks for %" PRId64 " tokens are too many",
                  layer.desc->name, launch.kernel.c_str(), grids.back(), tokens);
  }
  CurrentContext current(*state.driver, state.context);
  if (moe_status status = current.status())
    return status;
  for (size_t i = 0; i != launches.size(); ++i) {
    if (grids[i] == 0)
      continue;
    int result = state.driver->launch(state.functions.at(launches[i].kernel), unsigned(grids[i]), 1, 1,
                                      launches[i].block, 1, 1, launches[i].shared, stream, parameters.data(), nullptr);
    if (result != 0)
      return state.driver->check(
          result, (std::string(layer.desc->name) + ": kernel '" + launches[i].kernel + "': cuLaunchKernel").c_str());
  }
  return MOE_OK;
}

moe_status moe_device_layer_run(const moe_device_layer *layer, const moe_tensor *inputs, const moe_tensor *outputs,
                                void *workspace, size_t workspaceBytes, void *stream) {
  return guard([&] {
    if (!layer)
      return fail(MOE_INVALID_ARGUMENT, "moe_device_layer_run: layer is null");
    const moe_layer_desc &desc = *layer->desc;
    if ((!inputs && desc.num_inputs) || (!outputs && desc.num_outputs))
      return fail(MOE_INVALID_ARGUMENT, "%s: moe_device_layer_run: inputs or outputs is null", desc.name);
    int64_t tokens = tokensOf(desc, inputs, outputs);
    if (moe_status status = checkAll(*layer, inputs, outputs, tokens, /*onHost=*/false))
      return status;
    size_t program, needed;
    if (moe_status status = workspaceSize(*layer, tokens, program, needed))
      return status;
    if (tokens == 0)
      return MOE_OK;
    if (!workspace || reinterpret_cast<uintptr_t>(workspace) % alignment != 0)
      return fail(MOE_INVALID_ARGUMENT, "%s: expected a workspace on the device aligned to %zu bytes", desc.name,
                  alignment);
    if (workspaceBytes < needed)
      return fail(MOE_WORKSPACE_TOO_SMALL,
                  "%s: expected a workspace of at least %zu bytes for %" PRId64 " tokens, got %zu", desc.name, needed,
                  tokens, workspaceBytes);
    std::vector<uint64_t> values = {uint64_t(tokens)};
    auto add = [&](void *data, int64_t stride) {
      values.push_back(reinterpret_cast<uintptr_t>(data));
      values.push_back(uint64_t(stride));
    };
    for (int64_t i = 0; i < desc.num_inputs; ++i)
      add(inputs[i].data, inputs[i].stride);
    for (const DeviceBuffer &weight : layer->weights)
      values.push_back(weight.address());
    char *scratch = static_cast<char *>(workspace) + roundUp(program);
    for (int64_t i = 0; i < desc.num_outputs; ++i) {
      bool dropped = !outputs[i].data;
      add(dropped ? scratch : outputs[i].data, dropped ? outputs[i].cols : outputs[i].stride);
      scratch += roundUp(bytesOf(desc.outputs[i], tokens));
    }
    values.push_back(reinterpret_cast<uintptr_t>(workspace));
    return launch(*layer, tokens, values, stream);
  });
}

namespace {
/// Tensors of the host and what stands for them on the device, rows without a gap.
struct Mirror {
  const moe_tensor *host;
  std::vector<DeviceBuffer> buffers;
  std::vector<moe_tensor> device;
};
} // namespace

static moe_status allocate(const moe_device_layer &layer, const moe_operand_desc *operands, int64_t count,
                           const moe_tensor *host, Mirror &mirror) {
  const DeviceLibraryState &state = *layer.library;
  mirror.host = host;
  for (int64_t i = 0; i < count; ++i) {
    mirror.device.push_back(host[i]);
    moe_tensor &tensor = mirror.device.back();
    tensor.stride = tensor.cols;
    mirror.buffers.emplace_back();
    if (!tensor.data)
      continue;
    size_t bytes = size_t(tensor.rows * tensor.cols * dtypeBytes(tensor.dtype));
    if (moe_status status = mirror.buffers.back().allocate(*state.driver, state.context, bytes, operands[i].name))
      return status;
    tensor.data = reinterpret_cast<void *>(uintptr_t(mirror.buffers.back().address()));
  }
  return MOE_OK;
}

/// Row by row where the host's rows have gaps.
static moe_status copy(const Driver &driver, const moe_tensor &host, const moe_tensor &device, bool toDevice) {
  size_t size = size_t(dtypeBytes(host.dtype)), row = size_t(host.cols) * size;
  if (!host.data || host.rows == 0 || row == 0)
    return MOE_OK;
  bool dense = host.stride == host.cols;
  for (int64_t r = 0, rows = dense ? 1 : host.rows; r != rows; ++r) {
    size_t bytes = dense ? row * size_t(host.rows) : row;
    char *there = static_cast<char *>(host.data) + size_t(r * host.stride) * size;
    CudaDevicePointer here = reinterpret_cast<uintptr_t>(device.data) + size_t(r) * row;
    int result = toDevice ? driver.copyToDevice(here, there, bytes, nullptr)
                          : driver.copyFromDevice(there, here, bytes, nullptr);
    if (moe_status status = driver.check(result, toDevice ? "cuMemcpyHtoD" : "cuMemcpyDtoH"))
      return status;
  }
  return MOE_OK;
}

moe_status moe_device_layer_run_host(const moe_device_layer *layer, const moe_tensor *inputs,
                                     const moe_tensor *outputs) {
  return guard([&] {
    if (!layer)
      return fail(MOE_INVALID_ARGUMENT, "moe_device_layer_run_host: layer is null");
    const moe_layer_desc &desc = *layer->desc;
    if ((!inputs && desc.num_inputs) || (!outputs && desc.num_outputs))
      return fail(MOE_INVALID_ARGUMENT, "%s: moe_device_layer_run_host: inputs or outputs is null", desc.name);
    int64_t tokens = tokensOf(desc, inputs, outputs);
    size_t bytes, program;
    if (moe_status status = checkAll(*layer, inputs, outputs, tokens, /*onHost=*/true))
      return status;
    if (moe_status status = workspaceSize(*layer, tokens, program, bytes))
      return status;
    if (tokens == 0)
      return MOE_OK;
    const DeviceLibraryState &state = *layer->library;
    const Driver &driver = *state.driver;
    CurrentContext current(driver, state.context);
    if (moe_status status = current.status())
      return status;
    Mirror in, out;
    DeviceBuffer workspace;
    if (moe_status status = allocate(*layer, desc.inputs, desc.num_inputs, inputs, in))
      return status;
    if (moe_status status = allocate(*layer, desc.outputs, desc.num_outputs, outputs, out))
      return status;
    if (moe_status status = workspace.allocate(driver, state.context, bytes, "workspace"))
      return status;
    for (size_t i = 0; i != in.device.size(); ++i)
      if (moe_status status = copy(driver, inputs[i], in.device[i], /*toDevice=*/true))
        return status;
    if (moe_status status =
            moe_device_layer_run(layer, in.device.data(), out.device.data(),
                                 reinterpret_cast<void *>(uintptr_t(workspace.address())), bytes, nullptr))
      return status;
    for (size_t i = 0; i != out.device.size(); ++i)
      if (moe_status status = copy(driver, outputs[i], out.device[i], /*toDevice=*/false))
        return status;
    return driver.check(driver.synchronize(nullptr), (std::string(desc.name) + ": cuStreamSynchronize").c_str());
  });
}
