/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Asks the installed compiler through its C API which model families it knows. */
#include "moe-c/Compiler.h"
#include <stdio.h>

int main(void) {
  char *text = NULL;
  if (moe_list_architectures(&text) != MOE_OK) {
    printf("error: %s\n", moe_compiler_last_error());
    return 1;
  }
  fputs(text, stdout);
  moe_text_free(text);
  return 0;
}
