// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers as a target of JAX's foreign function interface. moe_mlir.jax compiles this file with the headers of the
// jaxlib that is installed: a library built for another one might not be understood by it.
#include "moe/Runtime/Runtime.h"
#include "xla/ffi/api/ffi.h"

#include <cstdint>

namespace ffi = xla::ffi;

static constexpr size_t maxOperands = 16; // of the runtime

static int32_t dtypeOf(ffi::DataType type) {
  switch (type) {
  case ffi::DataType::F32:
    return MOE_F32;
  case ffi::DataType::BF16:
    return MOE_BF16;
  case ffi::DataType::F16:
    return MOE_F16;
  case ffi::DataType::S32:
    return MOE_I32;
  default:
    return 0;
  }
}

static moe_tensor tensorOf(const ffi::AnyBuffer &buffer) {
  auto sizes = buffer.dimensions();
  int64_t cols = sizes.size() ? sizes[sizes.size() - 1] : 1, rows = 1;
  for (size_t d = 0; d + 1 < sizes.size(); ++d)
    rows *= sizes[d];
  return {buffer.untyped_data(), rows, cols, cols, dtypeOf(buffer.element_type()), 0};
}

/// All inputs of a layer, and its first output.
static ffi::Error run(int64_t layer, int64_t pool, ffi::RemainingArgs args, ffi::RemainingRets results) {
  const auto *loaded = reinterpret_cast<const moe_layer *>(layer);
  const moe_layer_desc *desc = moe_layer_info(loaded);
  if (int64_t(args.size()) != desc->num_inputs || results.size() != 1 || size_t(desc->num_outputs) > maxOperands)
    return ffi::Error::InvalidArgument("moe_mlir: another number of inputs or outputs than the layer has");
  moe_tensor in[maxOperands], out[maxOperands];
  for (size_t i = 0; i < args.size(); ++i)
    in[i] = tensorOf(args.get<ffi::AnyBuffer>(i).value());
  ffi::Result<ffi::AnyBuffer> result = results.get<ffi::AnyBuffer>(0).value();
  out[0] = tensorOf(*result);
  for (int64_t i = 1; i < desc->num_outputs; ++i) {
    const moe_operand_desc &dropped = desc->outputs[i];
    int64_t cols = dropped.rank == 2 ? dropped.shape[1] : 1;
    out[i] = {nullptr, dropped.shape[0] == -1 ? in[0].rows : dropped.shape[0], cols, cols, dropped.dtype, 0};
  }
  if (moe_layer_run(loaded, in, out, nullptr, 0, reinterpret_cast<moe_pool *>(pool)) != MOE_OK)
    return ffi::Error::InvalidArgument(moe_last_error());
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    moe_mlir_jax_layer, run,
    ffi::Ffi::Bind().Attr<int64_t>("layer").Attr<int64_t>("pool").RemainingArgs().RemainingRets());
