/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A generated library written by hand: two experts, token t goes to expert t % 2, output = W[e] x[t]. Its weights are
 * packed with panel 4 and k_group 2 in f32. Small as it is, it uses everything a kernel may use: the pointer table,
 * strides, the workspace and moe_parallel_for. */
#include "moe/Runtime/Runtime.h"

enum { experts = 2, rows = 5, cols = 3, panel = 4, group = 2, panels = 2, groups = 2 };

static float element(const float *packed, int64_t n, int64_t k) {
  return packed[((n / panel) * groups + k / group) * panel * group + (n % panel) * group + k % group];
}

static void token(void *ctx, int64_t begin, int64_t end) {
  const moe_kernel_args *args = (const moe_kernel_args *)ctx;
  for (int64_t t = begin; t < end; ++t) {
    const float *x = (const float *)args->inputs[0] + t * args->input_strides[0];
    const float *weight = (const float *)args->weights[0][t % experts];
    float *sums = (float *)args->workspace + t * rows;
    for (int64_t n = 0; n < rows; ++n) {
      sums[n] = 0;
      for (int64_t k = 0; k < cols; ++k)
        sums[n] += element(weight, n, k) * x[k];
    }
    for (int64_t n = 0; n < rows; ++n)
      ((float *)args->outputs[0])[t * args->output_strides[0] + n] = sums[n];
    ((int32_t *)args->outputs[1])[t * args->output_strides[1]] = (int32_t)(t % experts);
  }
}

static void run(const moe_kernel_args *args) { moe_parallel_for(args->pool, args->tokens, token, (void *)args); }

static int64_t workspaceSize(int64_t tokens) {
  return tokens > INT64_C(1) << 56 ? -1 : tokens * rows * (int64_t)sizeof(float);
}

static const moe_source_desc sources[] = {{"experts.{e}.weight", rows, cols, 0, 1, rows, 0, 0}};
static const moe_weight_desc weights[] = {{"up", sources, 1, experts, panel, group, MOE_F32, 0, NULL, 0, NULL}};
static const moe_operand_desc inputs[] = {{"input", 2, {-1, cols}, MOE_F32, 0}};
static const moe_operand_desc outputs[] = {{"output", 2, {-1, rows}, MOE_F32, 0}, {"experts", 2, {-1, 1}, MOE_I32, 0}};
static const moe_variant_desc variants[] = {{"plain", 0, weights, 1, workspaceSize, run}};
static const moe_layer_desc layers[] = {{"moe0", 0, experts, 1, cols, rows, inputs, 1, outputs, 2, variants, 1}};
static const moe_library_desc library = {MOE_ABI_VERSION, "by hand", "", "", "", layers, 1};

MOE_EXPORT const moe_library_desc *moe_get_library(void) { return &library; }
