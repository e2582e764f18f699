// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Finding the driver and its functions.
//===----------------------------------------------------------------------===//
#include "Driver.h"

#include "Error.h"

#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <string>

using namespace moe;

namespace {
/// What became of the one attempt to open the driver. Never closed: drivers keep threads.
struct Opened {
  Driver driver;
  moe_status status = MOE_OK;
  std::string problem;

  void fails(std::string text) {
    status = MOE_NO_DEVICE;
    problem = std::move(text);
  }
};
} // namespace

static const char *driverFile() {
  const char *other = std::getenv("MOE_CUDA_DRIVER");
  return other && *other ? other : "libcuda.so.1";
}

static void open(Opened &opened) {
  const char *file = driverFile();
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return opened.fails(std::string("no CUDA driver: ") + dlerror() + "; install NVIDIA's driver, or use --target=cpu");
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *symbol) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, symbol));
    if (!function && !missing)
      missing = symbol;
  };
#define X(MEMBER, SYMBOL, PARAMETERS) find(opened.driver.MEMBER, #SYMBOL);
  MOE_CUDA_FUNCTIONS(X)
#undef X
  if (missing)
    return opened.fails(std::string(file) + ": expected the function " + missing +
                        " of a CUDA driver, got none; use a " + "newer driver");
  if (int result = opened.driver.init(0)) {
    opened.driver.check(result, "no CUDA device: cuInit");
    return opened.fails(moe_last_error());
  }
}

moe_status Driver::get(const Driver *&driver) {
  static std::once_flag once;
  static Opened opened;
  std::call_once(once, [] { open(opened); });
  driver = &opened.driver;
  return opened.status ? fail(opened.status, "%s", opened.problem.c_str()) : MOE_OK;
}

moe_status Driver::check(int result, const char *what) const {
  if (result == 0)
    return MOE_OK;
  const char *name = nullptr, *text = nullptr;
  errorName(result, &name);
  errorString(result, &text);
  constexpr int outOfMemory = 2; // CUDA_ERROR_OUT_OF_MEMORY
  return fail(result == outOfMemory ? MOE_OUT_OF_MEMORY : MOE_DEVICE_ERROR, "%s: %s (%d): %s", what,
              name ? name : "unknown error", result, text ? text : "the driver has no text for it");
}
