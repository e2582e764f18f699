/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls one layer from many threads: many-callers OUT.so CHECKPOINT THREADS CALLS POOL. Every call takes some of the
 * same rows and must give the bytes that one thread alone got for them. POOL: threads of a shared pool, 0 for no pool.
 */
#include "moe/Runtime/Runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, MAX_OUTPUTS = 4 };

typedef struct {
  const moe_layer *layer;
  moe_pool *pool;
  float *x;
  char *expected[MAX_OUTPUTS]; /* of all rows, run at once by one thread */
  int calls;
  atomic_int different, failed;
} Shared;

typedef struct {
  Shared *shared;
  unsigned seed;
} Caller;

/* All elements that a layer's outputs have are of 4 bytes. Rows `first` to `first + rows` into `to`. */
static moe_status run(const Shared *shared, moe_pool *pool, int64_t first, int64_t rows, char **to) {
  const moe_layer_desc *info = moe_layer_info(shared->layer);
  int64_t width = info->inputs[0].shape[1];
  moe_tensor input = {shared->x + first * width, rows, width, width, MOE_F32, 0}, outputs[MAX_OUTPUTS];
  for (int64_t i = 0; i < info->num_outputs; ++i) {
    int64_t cols = info->outputs[i].shape[1];
    outputs[i] = (moe_tensor){to[i], rows, cols, cols, info->outputs[i].dtype, 0};
  }
  return moe_layer_run(shared->layer, &input, outputs, NULL, 0, pool);
}

static size_t bytes_of_row(const Shared *shared, int64_t output) {
  return 4 * (size_t)moe_layer_info(shared->layer)->outputs[output].shape[1];
}

static void *call_often(void *argument) {
  Caller *caller = argument;
  Shared *shared = caller->shared;
  int64_t outputs = moe_layer_info(shared->layer)->num_outputs;
  char *got[MAX_OUTPUTS];
  for (int64_t i = 0; i < outputs; ++i)
    got[i] = malloc(ROWS * bytes_of_row(shared, i));
  for (int call = 0; call < shared->calls; ++call) {
    int64_t first = rand_r(&caller->seed) % ROWS, rows = rand_r(&caller->seed) % (ROWS - first + 1);
    int same = 1;
    for (int64_t i = 0; i < outputs; ++i)
      memset(got[i], 0xa5, ROWS * bytes_of_row(shared, i));
    if (run(shared, shared->pool, first, rows, got) != MOE_OK)
      ++shared->failed;
    for (int64_t i = 0; i < outputs; ++i) {
      size_t row = bytes_of_row(shared, i);
      same &= memcmp(got[i], shared->expected[i] + (size_t)first * row, (size_t)rows * row) == 0;
    }
    shared->different += !same;
  }
  for (int64_t i = 0; i < outputs; ++i)
    free(got[i]);
  return NULL;
}

#define CHECK(call)                                                                                                    \
  if ((call) != MOE_OK)                                                                                                \
  return fprintf(stderr, "many-callers: error: %s\n", moe_last_error()), 1

int main(int argc, char **argv) {
  if (argc != 6)
    return fprintf(stderr, "usage: many-callers OUT.so CHECKPOINT THREADS CALLS POOL\n"), 2;
  int threads = atoi(argv[3]);
  moe_library *library;
  moe_layer *layer;
  moe_load_options options = {.checkpoint = argv[2]};
  Shared shared = {.calls = atoi(argv[4])};
  CHECK(moe_library_open(argv[1], &library));
  CHECK(moe_layer_load(library, 0, &options, &layer));
  if (atoi(argv[5]) > 0)
    CHECK(moe_pool_create(atoi(argv[5]), &shared.pool));
  const moe_layer_desc *info = moe_layer_info(layer);
  if (info->inputs[0].dtype != MOE_F32 || info->outputs[0].dtype != MOE_F32 || info->num_outputs > MAX_OUTPUTS)
    return fprintf(stderr, "many-callers: error: %s: expected a layer in f32\n", argv[1]), 1;

  shared.layer = layer;
  int64_t elements = ROWS * info->inputs[0].shape[1];
  shared.x = malloc((size_t)elements * sizeof(float));
  for (int64_t i = 0; i < elements; ++i)
    shared.x[i] = (float)((i * i + 7 * i) % 101 - 50) / 40;
  for (int64_t i = 0; i < info->num_outputs; ++i)
    shared.expected[i] = malloc(ROWS * bytes_of_row(&shared, i));
  CHECK(run(&shared, NULL, 0, ROWS, shared.expected));

  pthread_t *ids = malloc((size_t)threads * sizeof(pthread_t));
  Caller *callers = malloc((size_t)threads * sizeof(Caller));
  for (int i = 0; i < threads; ++i) {
    callers[i] = (Caller){&shared, 1000u + (unsigned)i};
    pthread_create(&ids[i], NULL, call_often, &callers[i]);
  }
  for (int i = 0; i < threads; ++i)
    pthread_join(ids[i], NULL);
  printf("%d threads, %d calls: %d differ, %d failed\n", threads, threads * shared.calls, shared.different,
         shared.failed);

  for (int64_t i = 0; i < info->num_outputs; ++i)
    free(shared.expected[i]);
  free(shared.x);
  free(ids);
  free(callers);
  moe_pool_destroy(shared.pool);
  moe_layer_free(layer);
  moe_library_close(library);
  return shared.different || shared.failed;
}
