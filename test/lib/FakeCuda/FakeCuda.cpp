// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FakeCuda.cpp - devices, contexts, memory and errors ------------------------------------------------===//

#include "FakeCuda.h"

#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>

using namespace moe::fake;

static std::string variable(const char *name, const char *otherwise) {
  const char *value = std::getenv(name);
  return value && *value ? value : otherwise;
}

Driver &moe::fake::driver() {
  static Driver instance;
  return instance;
}

int Driver::enter(const char *name, const std::string &details) {
  std::lock_guard<std::mutex> guard(lock);
  int count = ++calls[name];
  if (std::string file = variable("MOE_FAKE_CUDA_LOG", ""); !file.empty())
    if (FILE *log = std::fopen(file.c_str(), "a")) {
      std::fprintf(log, "%s%s%s\n", name, details.empty() ? "" : " ", details.c_str());
      std::fclose(log);
    }
  std::string wanted = variable("MOE_FAKE_CUDA_FAIL", "");
  if (wanted != failing) { // counts begin with the variable
    failing = wanted;
    calls.clear();
    count = ++calls[name];
  }
  std::istringstream fail(wanted);
  std::string which, call, result;
  std::getline(fail, which, ':');
  std::getline(fail, call, ':');
  std::getline(fail, result, ':');
  return which == name && std::atoi(call.c_str()) == count ? std::atoi(result.c_str()) : Success;
}

#define ENTER(NAME)                                                                                                    \
  if (int result = driver().enter(NAME))                                                                               \
  return result

FAKE cuInit(unsigned) {
  ENTER("cuInit");
  return Success;
}

FAKE cuDeviceGetCount(int *count) {
  ENTER("cuDeviceGetCount");
  *count = std::atoi(variable("MOE_FAKE_CUDA_DEVICES", "1").c_str());
  return Success;
}

FAKE cuDeviceGet(int *device, int ordinal) {
  ENTER("cuDeviceGet");
  *device = ordinal;
  return Success;
}

FAKE cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER("cuDeviceGetAttribute");
  int chip = std::atoi(variable("MOE_FAKE_CUDA_CHIP", "sm_90").c_str() + 3);
  if (attribute != 75 && attribute != 76)
    return InvalidValue;
  *value = attribute == 75 ? chip / 10 : chip % 10;
  return Success;
}

FAKE cuDevicePrimaryCtxRetain(void **context, int) {
  ENTER("cuDevicePrimaryCtxRetain");
  ++driver().contextsRetained;
  *context = &driver();
  return Success;
}

FAKE cuDevicePrimaryCtxRelease_v2(int) {
  ENTER("cuDevicePrimaryCtxRelease_v2");
  --driver().contextsRetained;
  return Success;
}

FAKE cuCtxPushCurrent_v2(void *context) {
  if (context != &driver())
    return InvalidContext;
  std::lock_guard<std::mutex> guard(driver().lock);
  driver().current.push_back(context);
  return Success;
}

FAKE cuCtxPopCurrent_v2(void **context) {
  std::lock_guard<std::mutex> guard(driver().lock);
  if (driver().current.empty())
    return InvalidContext;
  *context = driver().current.back();
  driver().current.pop_back();
  return Success;
}

FAKE cuMemAlloc_v2(unsigned long long *pointer, size_t bytes) {
  ENTER("cuMemAlloc_v2");
  std::lock_guard<std::mutex> guard(driver().lock);
  void *memory = driver().memory.allocate(bytes);
  *pointer = reinterpret_cast<uintptr_t>(memory);
  return memory ? Success : bytes ? OutOfMemory : InvalidValue;
}

FAKE cuMemFree_v2(unsigned long long pointer) {
  ENTER("cuMemFree_v2");
  std::lock_guard<std::mutex> guard(driver().lock);
  return driver().memory.free(reinterpret_cast<void *>(pointer)) ? Success : InvalidValue;
}

/// What is wrong on the device is told by the first call that waits.
static int takePending() {
  int result = driver().pending;
  driver().pending = Success;
  return result;
}

FAKE cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t bytes, void *) {
  ENTER("cuMemcpyHtoDAsync_v2");
  std::lock_guard<std::mutex> guard(driver().lock);
  return driver().memory.write(reinterpret_cast<void *>(to), from, bytes) ? Success : InvalidValue;
}

FAKE cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t bytes, void *) {
  ENTER("cuMemcpyDtoHAsync_v2");
  std::lock_guard<std::mutex> guard(driver().lock);
  if (int result = takePending())
    return result;
  auto *begin = reinterpret_cast<const char *>(from);
  const auto *piece = driver().memory.find(begin);
  if (!piece || bytes > size_t(piece->end - begin))
    return InvalidValue;
  std::memcpy(to, begin, bytes);
  return Success;
}

FAKE cuStreamSynchronize(void *) {
  ENTER("cuStreamSynchronize");
  std::lock_guard<std::mutex> guard(driver().lock);
  return takePending();
}

static const char *textOf(int error, bool name) {
  switch (error) {
  case Success:
    return name ? "CUDA_SUCCESS" : "no error";
  case InvalidValue:
    return name ? "CUDA_ERROR_INVALID_VALUE" : "invalid argument";
  case OutOfMemory:
    return name ? "CUDA_ERROR_OUT_OF_MEMORY" : "out of memory";
  case 100:
    return name ? "CUDA_ERROR_NO_DEVICE" : "no CUDA-capable device is detected";
  case InvalidImage:
    return name ? "CUDA_ERROR_INVALID_IMAGE" : "device kernel image is invalid";
  case InvalidContext:
    return name ? "CUDA_ERROR_INVALID_CONTEXT" : "invalid device context";
  case NotFound:
    return name ? "CUDA_ERROR_NOT_FOUND" : "named symbol not found";
  case IllegalAddress:
    return name ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "an illegal memory access was encountered";
  case LaunchFailed:
    return name ? "CUDA_ERROR_LAUNCH_FAILED" : "unspecified launch failure";
  }
  return nullptr;
}

FAKE cuGetErrorName(int error, const char **text) {
  *text = textOf(error, true);
  return *text ? Success : InvalidValue;
}

FAKE cuGetErrorString(int error, const char **text) {
  *text = textOf(error, false);
  return *text ? Success : InvalidValue;
}

FAKE cuDeviceGetName(char *name, int length, int) {
  std::snprintf(name, size_t(length), "fake device");
  return Success;
}

FAKE cuMemsetD8Async(unsigned long long to, unsigned char value, size_t bytes, void *) {
  ENTER("cuMemsetD8Async");
  std::lock_guard<std::mutex> guard(driver().lock);
  return driver().memory.fill(reinterpret_cast<void *>(to), value, bytes) ? Success : InvalidValue;
}

// Events are moments of the host's clock, as work is done when it is asked for.

FAKE cuEventCreate(void **event, unsigned) {
  *event = new std::chrono::steady_clock::time_point();
  return Success;
}

FAKE cuEventDestroy_v2(void *event) {
  delete static_cast<std::chrono::steady_clock::time_point *>(event);
  return Success;
}

FAKE cuEventRecord(void *event, void *) {
  *static_cast<std::chrono::steady_clock::time_point *>(event) = std::chrono::steady_clock::now();
  return Success;
}

FAKE cuEventElapsedTime(float *milliseconds, void *from, void *to) {
  using Moment = std::chrono::steady_clock::time_point;
  std::chrono::duration<float, std::milli> passed = *static_cast<Moment *>(to) - *static_cast<Moment *>(from);
  *milliseconds = passed.count();
  return Success;
}
