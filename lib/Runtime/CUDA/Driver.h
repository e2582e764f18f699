// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's driver, found when it is first wanted: nothing of it is needed to build or to start.
#ifndef MOE_LIB_RUNTIME_CUDA_DRIVER_H
#define MOE_LIB_RUNTIME_CUDA_DRIVER_H

#include "moe/Runtime/Runtime.h"

#include <cstddef>
#include <cstdint>

namespace moe {

using CudaDevicePointer = unsigned long long; // CUdeviceptr

/// Functions of the driver API ("CUDA Driver API"), with its types as what they are underneath: enums are int, handles
/// pointers. A row is the member, the symbol, and the parameters. All return a CUresult, 0 when all is well.
#define MOE_CUDA_FUNCTIONS(X)                                                                                          \
  X(init, cuInit, (unsigned flags))                                                                                    \
  X(deviceCount, cuDeviceGetCount, (int *count))                                                                       \
  X(deviceGet, cuDeviceGet, (int *device, int ordinal))                                                                \
  X(deviceAttribute, cuDeviceGetAttribute, (int *value, int attribute, int device))                                    \
  X(retainContext, cuDevicePrimaryCtxRetain, (void **context, int device))                                             \
  X(releaseContext, cuDevicePrimaryCtxRelease_v2, (int device))                                                        \
  X(pushContext, cuCtxPushCurrent_v2, (void *context))                                                                 \
  X(popContext, cuCtxPopCurrent_v2, (void **context))                                                                  \
  X(loadModule, cuModuleLoadData, (void **module, const void *image))                                                  \
  X(unloadModule, cuModuleUnload, (void *module))                                                                      \
  X(getFunction, cuModuleGetFunction, (void **function, void *module, const char *name))                               \
  X(setFunctionAttribute, cuFuncSetAttribute, (void *function, int attribute, int value))                              \
  X(allocate, cuMemAlloc_v2, (CudaDevicePointer * pointer, size_t bytes))                                              \
  X(free, cuMemFree_v2, (CudaDevicePointer pointer))                                                                   \
  X(copyToDevice, cuMemcpyHtoDAsync_v2, (CudaDevicePointer to, const void *from, size_t bytes, void *stream))          \
  X(copyFromDevice, cuMemcpyDtoHAsync_v2, (void *to, CudaDevicePointer from, size_t bytes, void *stream))              \
  X(synchronize, cuStreamSynchronize, (void *stream))                                                                  \
  X(launch, cuLaunchKernel,                                                                                            \
    (void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,                 \
     unsigned blockZ, unsigned shared, void *stream, void **parameters, void **extra))                                 \
  X(errorName, cuGetErrorName, (int error, const char **text))                                                         \
  X(errorString, cuGetErrorString, (int error, const char **text))

struct Driver {
#define X(MEMBER, SYMBOL, PARAMETERS) int(*MEMBER) PARAMETERS = nullptr; // NOLINT(bugprone-macro-parentheses)
  MOE_CUDA_FUNCTIONS(X)
#undef X

  /// The driver, ready for use. Without one MOE_NO_DEVICE, and why in one line. The variable MOE_CUDA_DRIVER names
  /// another file than libcuda.so.1.
  static moe_status get(const Driver *&driver);

  /// MOE_OK for 0; else MOE_DEVICE_ERROR or MOE_OUT_OF_MEMORY, and "WHAT: CUDA_ERROR_X: the driver's text".
  moe_status check(int result, const char *what) const;
};

/// Makes a context current for a scope.
class CurrentContext {
public:
  CurrentContext(const Driver &driver, void *context) : driver(driver), result(driver.pushContext(context)) {}
  CurrentContext(const CurrentContext &) = delete;
  CurrentContext &operator=(const CurrentContext &) = delete;
  ~CurrentContext() {
    void *popped;
    if (result == 0)
      driver.popContext(&popped);
  }
  moe_status status() const { return driver.check(result, "cuCtxPushCurrent"); }

private:
  const Driver &driver;
  int result;
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CUDA_DRIVER_H
