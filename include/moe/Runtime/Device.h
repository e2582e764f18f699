/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C ABI of layers on NVIDIA GPUs, offered by libmoe_runtime.so. NVIDIA's driver is opened at run time; without one
 * everything here returns MOE_NO_DEVICE. docs/abi-gpu.md says what a file of device code holds. */
#ifndef MOE_RUNTIME_DEVICE_H
#define MOE_RUNTIME_DEVICE_H

#include "moe/Runtime/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moe_device_library moe_device_library;
typedef struct moe_device_layer moe_device_layer;

/* Opens PTX with launch records and has the driver load it for device `ordinal`, in that device's primary context. A
 * `cubin` of the same kernels, unless it is null, is loaded instead of the PTX: the driver then compiles nothing.
 * MOE_NO_DEVICE: no driver, no such device, or one that is older than what the kernels were compiled for. */
MOE_EXPORT moe_status moe_device_library_open(const char *ptx, const char *cubin, int ordinal,
                                              moe_device_library **library);
/* Layers keep their library alive. */
MOE_EXPORT void moe_device_library_close(moe_device_library *library);
MOE_EXPORT int64_t moe_device_library_layers(const moe_device_library *library);
/* "sm_90a" */
MOE_EXPORT const char *moe_device_library_chip(const moe_device_library *library);

/* Reads and packs a layer's weights, and copies them to the device. `options` as for moe_layer_load. */
MOE_EXPORT moe_status moe_device_layer_load(moe_device_library *library, int64_t index, const moe_load_options *options,
                                            moe_device_layer **layer);
MOE_EXPORT void moe_device_layer_free(moe_device_layer *layer);
/* Operands and name. Its variant has the weights; there is nothing in it that could be run on the host. */
MOE_EXPORT const moe_layer_desc *moe_device_layer_info(const moe_device_layer *layer);

/* Bytes of workspace on the device that one call with `tokens` rows needs, outputs that nobody wants included. */
MOE_EXPORT moe_status moe_device_layer_workspace_size(const moe_device_layer *layer, int64_t tokens, size_t *bytes);

/* Starts a layer's kernels on `stream` (a CUstream; null: the default stream) and returns. Data and workspace are on
 * the device, the workspace aligned to 256 bytes. An output with null data is computed and dropped. It calls nothing
 * but cuLaunchKernel, so a stream may be captured into a CUDA graph. What goes wrong on the device is told by the
 * driver when the stream is synchronised. One workspace serves one call at a time. */
MOE_EXPORT moe_status moe_device_layer_run(const moe_device_layer *layer, const moe_tensor *inputs,
                                           const moe_tensor *outputs, void *workspace, size_t workspace_bytes,
                                           void *stream);

/* The same for tensors in the host's memory: copies them, runs, copies back and waits. */
MOE_EXPORT moe_status moe_device_layer_run_host(const moe_device_layer *layer, const moe_tensor *inputs,
                                                const moe_tensor *outputs);

#ifdef __cplusplus
}
#endif

#endif /* MOE_RUNTIME_DEVICE_H */
