/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The smallest program that runs a compiled layer: run_layer OUT.so CHECKPOINT TOKENS prints the first four outputs. */
#include "moe/Runtime/Runtime.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(call)                                                                                                    \
  if ((call) != MOE_OK)                                                                                                \
  return fprintf(stderr, "run_layer: error: %s\n", moe_last_error()), 1

int main(int argc, char **argv) {
  if (argc != 4)
    return fprintf(stderr, "usage: run_layer OUT.so CHECKPOINT TOKENS\n"), 2;
  int64_t tokens = atoll(argv[3]);
  moe_library *library;
  CHECK(moe_library_open(argv[1], &library));
  moe_load_options options = {.checkpoint = argv[2]};
  moe_layer *layer;
  CHECK(moe_layer_load(library, 0, &options, &layer));

  const moe_layer_desc *info = moe_layer_info(layer);
  if (info->inputs[0].dtype != MOE_F32 || info->outputs[0].dtype != MOE_F32)
    return fprintf(stderr, "run_layer: error: %s: expected a layer in f32\n", argv[1]), 1;
  int64_t cols = info->inputs[0].shape[1], width = info->outputs[0].shape[1];
  float *x = malloc((tokens * cols + 1) * sizeof(float)), *y = calloc(tokens * width + 4, sizeof(float));
  for (int64_t i = 0; i < tokens * cols; ++i)
    x[i] = (float)(i % 13 - 6) / 8;
  moe_tensor input = {x, tokens, cols, cols, MOE_F32, 0};
  moe_tensor outputs[8] = {{y, tokens, width, width, MOE_F32, 0}};
  for (int64_t i = 1; i < info->num_outputs && i < 8; ++i) /* null data: computed and dropped */
    outputs[i] =
        (moe_tensor){0, tokens, info->outputs[i].shape[1], info->outputs[i].shape[1], info->outputs[i].dtype, 0};
  CHECK(moe_layer_run(layer, &input, outputs, NULL, 0, NULL));
  printf("%s: E = %lld, K = %lld, %s: %g %g %g %g\n", info->name, (long long)info->experts, (long long)info->top_k,
         moe_layer_variant(layer)->level, y[0], y[1], y[2], y[3]);
  free(x);
  free(y);
  moe_layer_free(layer);
  moe_library_close(library);
  return 0;
}
