// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Running a layer: every argument is checked here, because kernels check nothing.
//===----------------------------------------------------------------------===//
#include "Error.h"
#include "Layout.h"
#include "Library.h"

#include <cinttypes>

using namespace moe;

namespace {

constexpr size_t alignment = 64;

struct Operands {
  void *data[maxOperands];
  int64_t strides[maxOperands];
  size_t dropped = 0; // bytes of outputs nobody wants
};

size_t roundUp(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

} // namespace

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

static moe_status check(const moe_layer_desc &layer, const moe_operand_desc &operand, const moe_tensor &tensor,
                        int64_t tokens, bool output, Operands &operands, int64_t index) {
  auto wrong = [&](const char *what, int64_t expected, int64_t got) {
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: expected %s %" PRId64 ", got %" PRId64, layer.name, operand.name, what,
                expected, got);
  };
  int64_t rows = operand.shape[0] == -1 ? tokens : operand.shape[0];
  int64_t cols = operand.rank == 2 ? operand.shape[1] : 1;
  if (tensor.dtype != operand.dtype)
    return wrong("moe_dtype", operand.dtype, tensor.dtype);
  if (tensor.rows < 0 || tensor.rows != rows)
    return wrong("rows", rows, tensor.rows);
  if (tensor.cols != cols)
    return wrong("columns", cols, tensor.cols);
  if (tensor.stride < cols)
    return wrong("a stride of at least", cols, tensor.stride);
  int64_t size = dtypeBytes(operand.dtype), bytes;
  if (__builtin_mul_overflow(rows, tensor.stride, &bytes) || __builtin_mul_overflow(bytes, size, &bytes))
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: %" PRId64 " rows with a stride of %" PRId64 " overflow", layer.name,
                operand.name, rows, tensor.stride);
  if (reinterpret_cast<uintptr_t>(tensor.data) % uintptr_t(size) != 0)
    return fail(MOE_INVALID_ARGUMENT, "%s: %s: expected data aligned to its element of %" PRId64 " bytes", layer.name,
                operand.name, size);
  if (!tensor.data && rows > 0 && cols > 0) {
    if (!output)
      return fail(MOE_INVALID_ARGUMENT, "%s: %s: expected data, got null", layer.name, operand.name);
    operands.dropped += roundUp(size_t(rows * cols * size)); // a stride only matters to somebody who reads
    operands.strides[index] = cols;
  } else {
    operands.strides[index] = tensor.stride;
  }
  operands.data[index] = tensor.data;
  return MOE_OK;
}

/// Kernels compute their workspace in 64 bits and do not look for overflow. Twice the tokens never need more than twice
/// the bytes, so those of a small number bound those of a large one.
static int64_t boundedWorkspace(const moe_variant_desc &variant, int64_t tokens) {
  constexpr int64_t few = int64_t(1) << 20;
  int64_t bound;
  if (tokens > few && __builtin_mul_overflow(variant.workspace_size(few), tokens / few + 1, &bound))
    return -1;
  return tokens < 0 ? -1 : variant.workspace_size(tokens);
}

static moe_status workspaceSize(const moe_layer &layer, int64_t tokens, size_t &bytes) {
  int64_t size = boundedWorkspace(*layer.variant, tokens);
  if (size < 0)
    return fail(MOE_INVALID_ARGUMENT, "%s: expected a number of tokens whose workspace can be addressed, got %" PRId64,
                layer.desc->name, tokens);
  bytes = size_t(size);
  return MOE_OK;
}

moe_status moe_layer_workspace_size(const moe_layer *layer, int64_t tokens, size_t *bytes) {
  return guard([&] {
    if (bytes)
      *bytes = 0;
    if (!layer || !bytes)
      return fail(MOE_INVALID_ARGUMENT, "moe_layer_workspace_size: layer or bytes is null");
    return workspaceSize(*layer, tokens, *bytes);
  });
}

moe_status moe_layer_run(const moe_layer *layer, const moe_tensor *inputs, const moe_tensor *outputs, void *workspace,
                         size_t workspaceBytes, moe_pool *pool) {
  return guard([&] {
    if (!layer)
      return fail(MOE_INVALID_ARGUMENT, "moe_layer_run: layer is null");
    const moe_layer_desc &desc = *layer->desc;
    if ((!inputs && desc.num_inputs) || (!outputs && desc.num_outputs))
      return fail(MOE_INVALID_ARGUMENT, "%s: moe_layer_run: inputs or outputs is null", desc.name);

    int64_t tokens = tokensOf(desc, inputs, outputs);
    Operands in, out;
    for (int64_t i = 0; i < desc.num_inputs; ++i)
      if (moe_status status = check(desc, desc.inputs[i], inputs[i], tokens, false, in, i))
        return status;
    for (int64_t i = 0; i < desc.num_outputs; ++i)
      if (moe_status status = check(desc, desc.outputs[i], outputs[i], tokens, true, out, i))
        return status;
    size_t needed;
    if (moe_status status = workspaceSize(*layer, tokens, needed))
      return status;
    if (workspace && reinterpret_cast<uintptr_t>(workspace) % alignment != 0)
      return fail(MOE_INVALID_ARGUMENT, "%s: expected a workspace aligned to %zu bytes", desc.name, alignment);
    if (workspace && workspaceBytes < needed)
      return fail(MOE_WORKSPACE_TOO_SMALL,
                  "%s: expected a workspace of at least %zu bytes for %" PRId64 " tokens, got %zu", desc.name, needed,
                  tokens, workspaceBytes);
    if (tokens == 0)
      return MOE_OK;

    // What the caller did not bring comes from one block: the workspace, then the outputs nobody wants.
    size_t own = (workspace ? 0 : roundUp(needed)) + out.dropped;
    std::unique_ptr<Block> block;
    if (own) {
      block = layer->library->takeWorkspace(own);
      char *next = block->data();
      if (!workspace) {
        workspace = next;
        next += roundUp(needed);
      }
      for (int64_t i = 0; i < desc.num_outputs; ++i) {
        if (out.data[i] || outputs[i].rows == 0 || outputs[i].cols == 0)
          continue;
        out.data[i] = next;
        next += roundUp(size_t(outputs[i].rows * outputs[i].cols * dtypeBytes(desc.outputs[i].dtype)));
      }
    }
    const moe_kernel_args args = {tokens,    in.data, in.strides, out.data, out.strides, layer->tables.data(),
                                  workspace, pool};
    layer->variant->run(&args);
    if (block)
      layer->library->keepWorkspace(std::move(block));
    return MOE_OK;
  });
}
