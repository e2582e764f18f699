/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls the installed runtime through its public header. */
#include "moe/Runtime/Runtime.h"
#include <stdio.h>

static void count(void *ctx, int64_t begin, int64_t end) { *(int64_t *)ctx += end - begin; }

int main(void) {
  int64_t tasks = 0;
  moe_parallel_for(NULL, 10, count, &tasks);
  printf("runtime without a pool runs %d tasks\n", (int)tasks);

  moe_library *library = NULL;
  moe_status status = moe_library_open("no-such-library.so", &library);
  printf("status: %s\n", moe_status_name(status));
  return status == MOE_OK;
}
