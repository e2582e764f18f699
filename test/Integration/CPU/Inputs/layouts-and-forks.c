/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls one layer in ways that must not matter: layouts-and-forks OUT.so CHECKPOINT FORKS. Rows and results with gaps
 * between them, results that nobody wants, and processes forked while another thread is in the layer: the same bytes as
 * from dense rows, and nothing written between them.
 */
#include "moe/Runtime/Runtime.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 37, MAX_OUTPUTS = 4, GAP = 3 };
static const uint32_t untouched = 0xa5a5a5a5u;

static const moe_layer_desc *info;
static moe_layer *layer;
static moe_pool *pool;
static float *dense;
static uint32_t *expected[MAX_OUTPUTS]; /* elements of every output are of 4 bytes */
static atomic_int stop;

static int64_t columns(int64_t output) { return info->outputs[output].shape[1]; }

static uint32_t *make_output(int64_t stride) {
  size_t count = (size_t)(ROWS * stride);
  uint32_t *data = malloc(count * 4);
  for (size_t i = 0; i < count; ++i)
    data[i] = untouched;
  return data;
}

static moe_status run(const float *x, int64_t stride, uint32_t *const *to, int64_t gap) {
  int64_t width = info->inputs[0].shape[1];
  moe_tensor input = {(void *)x, ROWS, width, stride, MOE_F32, 0}, outputs[MAX_OUTPUTS];
  for (int64_t i = 0; i < info->num_outputs; ++i)
    outputs[i] = (moe_tensor){to[i], ROWS, columns(i), columns(i) + gap, info->outputs[i].dtype, 0};
  return moe_layer_run(layer, &input, outputs, NULL, 0, pool);
}

/* 0 when what was wanted is there and nothing else was written. `wanted` is a bit for each output. */
static int check(const float *x, int64_t stride, int64_t gap, unsigned wanted) {
  uint32_t *got[MAX_OUTPUTS] = {0};
  int wrong = 0;
  for (int64_t i = 0; i < info->num_outputs; ++i)
    if (wanted >> i & 1)
      got[i] = make_output(columns(i) + gap);
  wrong |= run(x, stride, got, gap) != MOE_OK;
  for (int64_t i = 0; i < info->num_outputs; ++i) {
    for (int64_t row = 0; got[i] && row < ROWS; ++row) {
      const uint32_t *at = got[i] + row * (columns(i) + gap);
      wrong |= memcmp(at, expected[i] + row * columns(i), (size_t)columns(i) * 4) != 0;
      for (int64_t j = 0; j < gap; ++j)
        wrong |= at[columns(i) + j] != untouched;
    }
    free(got[i]);
  }
  return wrong;
}

static void *keep_calling(void *failed) {
  while (!atomic_load(&stop))
    *(int *)failed |= check(dense, info->inputs[0].shape[1], 0, ~0u);
  return NULL;
}

/* Children that give other bytes, fail, or hang for 20 seconds. */
static int fork_often(int forks) {
  int bad = 0, status;
  for (int i = 0; i < forks; ++i) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      _exit(check(dense, info->inputs[0].shape[1], 0, ~0u));
    }
    bad += child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  }
  return bad;
}

#define CHECK(call)                                                                                                    \
  if ((call) != MOE_OK)                                                                                                \
  return fprintf(stderr, "layouts-and-forks: error: %s\n", moe_last_error()), 1

int main(int argc, char **argv) {
  if (argc != 4)
    return fprintf(stderr, "usage: layouts-and-forks OUT.so CHECKPOINT FORKS\n"), 2;
  moe_library *library;
  moe_load_options options = {.checkpoint = argv[2]};
  CHECK(moe_library_open(argv[1], &library));
  CHECK(moe_layer_load(library, 0, &options, &layer));
  CHECK(moe_pool_create(3, &pool));
  info = moe_layer_info(layer);
  int64_t width = info->inputs[0].shape[1], stride = width + GAP;
  dense = malloc((size_t)(ROWS * width) * 4);
  float *sparse = malloc((size_t)(ROWS * stride) * 4);
  for (int64_t i = 0; i < ROWS * stride; ++i)
    sparse[i] = NAN;
  for (int64_t row = 0; row < ROWS; ++row)
    for (int64_t k = 0; k < width; ++k)
      sparse[row * stride + k] = dense[row * width + k] = (float)((row * row + 7 * k) % 101 - 50) / 40;
  for (int64_t i = 0; i < info->num_outputs; ++i)
    expected[i] = make_output(columns(i));
  CHECK(run(dense, width, expected, 0));

  printf("rows with gaps: %d wrong\n", check(sparse, stride, 0, ~0u));
  printf("results with gaps: %d wrong\n", check(sparse, stride, GAP, ~0u));
  int wrong = 0;
  for (unsigned wanted = 0; wanted != 1u << info->num_outputs; ++wanted)
    wrong += check(dense, width, 0, wanted);
  printf("results that nobody wants: %d wrong\n", wrong);

  int failed = 0;
  pthread_t caller;
  pthread_create(&caller, NULL, keep_calling, &failed);
  int forks = atoi(argv[3]), bad = fork_often(forks);
  atomic_store(&stop, 1);
  pthread_join(caller, NULL);
  printf("%d forks: %d children wrong, %d parents wrong\n", forks, bad, failed);
  return 0;
}
