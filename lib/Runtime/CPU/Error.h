// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Status codes with one line of text, and the fence that keeps C++ exceptions inside the library.
#ifndef MOE_LIB_RUNTIME_CPU_ERROR_H
#define MOE_LIB_RUNTIME_CPU_ERROR_H

#include "moe/Runtime/Runtime.h"

#include <exception>
#include <new>

namespace moe {

/// Keeps the formatted text for this thread's moe_last_error and returns `status`.
[[gnu::format(printf, 2, 3)]] moe_status fail(moe_status status, const char *format, ...);

void clearLastError();

/// Runs the body of an entry point; nothing it throws crosses the C ABI.
template <class Body>
moe_status guard(Body &&body) noexcept {
  clearLastError();
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return fail(MOE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return fail(MOE_INTERNAL, "internal error: %s", error.what());
  } catch (...) {
    return fail(MOE_INTERNAL, "internal error");
  }
}

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_ERROR_H
