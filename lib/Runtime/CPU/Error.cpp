// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The last error of each thread, in a buffer of fixed size: reporting that memory ran out must not need memory.
//===----------------------------------------------------------------------===//
#include "Error.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

static thread_local char lastError[1024];

void moe::clearLastError() { lastError[0] = 0; }

moe_status moe::fail(moe_status status, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int length = std::vsnprintf(lastError, sizeof lastError, format, values);
  va_end(values);
  if (length >= int(sizeof lastError))
    std::strcpy(lastError + sizeof lastError - 4, "...");
  // Names come from files; whatever they hold, the message stays one line.
  for (char *c = lastError; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20)
      *c = '?';
  return status;
}

const char *moe_last_error(void) { return lastError; }

const char *moe_status_name(moe_status status) {
  switch (status) {
  case MOE_OK:
    return "MOE_OK";
  case MOE_INVALID_ARGUMENT:
    return "MOE_INVALID_ARGUMENT";
  case MOE_OUT_OF_MEMORY:
    return "MOE_OUT_OF_MEMORY";
  case MOE_UNSUPPORTED_CPU:
    return "MOE_UNSUPPORTED_CPU";
  case MOE_CHECKPOINT_ERROR:
    return "MOE_CHECKPOINT_ERROR";
  case MOE_IO_ERROR:
    return "MOE_IO_ERROR";
  case MOE_ABI_MISMATCH:
    return "MOE_ABI_MISMATCH";
  case MOE_WORKSPACE_TOO_SMALL:
    return "MOE_WORKSPACE_TOO_SMALL";
  case MOE_INTERNAL:
    return "MOE_INTERNAL";
  case MOE_NO_DEVICE:
    return "MOE_NO_DEVICE";
  case MOE_DEVICE_ERROR:
    return "MOE_DEVICE_ERROR";
  }
  return "unknown status";
}
