/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C ABI of compiled layers: what a generated library exports, what libmoe_runtime.so offers to programs, and the
 * one symbol that generated kernels call. docs/abi.md explains every field; this file is its letter. */
#ifndef MOE_RUNTIME_RUNTIME_H
#define MOE_RUNTIME_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOE_EXPORT __attribute__((visibility("default")))

/* Incremented whenever a struct below changes; compared exactly when a library is opened. */
#define MOE_ABI_VERSION 3

typedef enum moe_status {
  MOE_OK = 0,
  MOE_INVALID_ARGUMENT = 1,    /* null pointer, wrong shape, wrong type, bad index */
  MOE_OUT_OF_MEMORY = 2,       /* weights or workspace could not be allocated */
  MOE_UNSUPPORTED_CPU = 3,     /* no variant of the library runs on this machine */
  MOE_CHECKPOINT_ERROR = 4,    /* a tensor is missing, malformed or of another shape */
  MOE_IO_ERROR = 5,            /* a file cannot be opened or read */
  MOE_ABI_MISMATCH = 6,        /* built for another MOE_ABI_VERSION */
  MOE_WORKSPACE_TOO_SMALL = 7, /* see moe_layer_workspace_size */
  MOE_INTERNAL = 8,
  MOE_NO_DEVICE = 9,    /* no CUDA driver, no such device, or one that the kernels were not compiled for */
  MOE_DEVICE_ERROR = 10 /* the CUDA driver reported an error; the text has its name */
} moe_status;

typedef enum moe_dtype { MOE_F32 = 1, MOE_BF16 = 2, MOE_F16 = 3, MOE_I32 = 4 } moe_dtype;

/* Features a variant may require; read from CPUID and XGETBV, never from a CPU name. */
#define MOE_CPU_AVX2_FMA (UINT64_C(1) << 0) /* AVX2, FMA, F16C, BMI2: x86-64-v3 */
#define MOE_CPU_AVX512 (UINT64_C(1) << 1)   /* AVX-512 F, CD, BW, DQ, VL: x86-64-v4 */
#define MOE_CPU_AVX512_BF16 (UINT64_C(1) << 2)
#define MOE_CPU_AVX512_VNNI (UINT64_C(1) << 3)
#define MOE_CPU_AMX_TILE (UINT64_C(1) << 4) /* usable: the kernel granted the tile state */
#define MOE_CPU_AMX_BF16 (UINT64_C(1) << 5)
#define MOE_CPU_AMX_INT8 (UINT64_C(1) << 6)

/* ---- The generated descriptor: constant data, exported through one function ------------------------------- */

/* One family of checkpoint tensors. `name` may hold "{e}", replaced by the expert index 0..experts-1; without it one
 * tensor holds every expert, expert index first (or there is a single expert). A tensor may hold more than this weight:
 * its matrices have `stored_rows` logical rows, of which row n of the weight is row_begin + n * row_step. */
typedef struct moe_source_desc {
  const char *name;
  int64_t rows;      /* logical rows N of one expert's matrix (output columns of the product) */
  int64_t cols;      /* logical columns K (the reduction) */
  int64_t row_begin; /* 0 when the tensor holds nothing else */
  int64_t row_step;  /* 1, or for interleaved weights their number */
  int64_t stored_rows;
  int32_t transposed; /* 1: stored [K, stored_rows] */
  int32_t reserved;
} moe_source_desc;

/* Experts begin .. end - 1. */
typedef struct moe_expert_range {
  int64_t begin, end;
} moe_expert_range;

/* One weight operand of a kernel. Packed layout of one expert (see docs/abi.md):
 *   [ceil(N / panel)][ceil(K / k_group)][num_sources][panel][k_group]   elements of `dtype`, zero padded
 * Every packed expert starts on a 64-byte boundary. With panel == 0 the expert is plain row-major [N, K], the first one
 * starts on such a boundary, and the others follow without a gap. A quantised format has a panel layout of its own. */
typedef struct moe_weight_desc {
  const char *symbol; /* the operand's name in the IR, for messages */
  const moe_source_desc *sources;
  int64_t num_sources;
  int64_t experts;
  int64_t panel;
  int64_t k_group;
  int32_t dtype; /* moe_dtype of the packed elements; the checkpoint's type is converted. 0: see format */
  int32_t reserved;
  const moe_expert_range *unused; /* experts that need not be there, in ascending order */
  int64_t num_unused;
  /* The number format that values are rounded to, row by row: "int8"; null or "" for that of dtype. With dtype 0 packed
   * experts are in the format's own layout, else they hold the rounded values as MOE_F32. */
  const char *format;
} moe_weight_desc;

/* A tensor operand of a layer. The first dimension may be -1: the number of tokens T. */
typedef struct moe_operand_desc {
  const char *name; /* "input"; "output", "logits", "experts", "weights" */
  int64_t rank;     /* 1 or 2 */
  int64_t shape[2];
  int32_t dtype;
  int32_t reserved;
} moe_operand_desc;

typedef struct moe_pool moe_pool;

/* What a kernel is called with. All arrays are indexed as in the descriptor. */
typedef struct moe_kernel_args {
  int64_t tokens;
  const void *const *inputs;
  const int64_t *input_strides; /* elements from one row to the next */
  void *const *outputs;
  const int64_t *output_strides;
  const void *const *const *weights; /* weights[w][e]: packed expert e of weight operand w */
  void *workspace;                   /* 64-byte aligned, at least workspace_size(tokens) bytes */
  moe_pool *pool;                    /* handed on to moe_parallel_for; may be null: run serially */
} moe_kernel_args;

typedef struct moe_variant_desc {
  const char *level;          /* "x86-64-v3", "x86-64-v4", "avx512-bf16" ... */
  uint64_t required_features; /* MOE_CPU_* */
  const moe_weight_desc *weights;
  int64_t num_weights;
  int64_t (*workspace_size)(int64_t tokens); /* bytes; negative: that many tokens overflow */
  void (*run)(const moe_kernel_args *args);
} moe_variant_desc;

typedef struct moe_layer_desc {
  const char *name; /* "moe<N>" */
  int64_t block;    /* N, the index of the MoE block in the model */
  int64_t experts, top_k, model_width, expert_width;
  const moe_operand_desc *inputs;
  int64_t num_inputs;
  const moe_operand_desc *outputs;
  int64_t num_outputs;
  const moe_variant_desc *variants; /* best first */
  int64_t num_variants;
} moe_layer_desc;

typedef struct moe_library_desc {
  int64_t abi_version;    /* first, for ever */
  const char *compiler;   /* "moe-mlir 0.1.0" */
  const char *model_type; /* "mixtral"; "" for a hand-written module */
  const char *checkpoint; /* path as given to the compiler; "" when there was none */
  const char *digest;     /* hex SHA-256 over the checkpoint's tensor headers; "" when there was none */
  const moe_layer_desc *layers;
  int64_t num_layers;
} moe_library_desc;

/* The only symbol that a generated library exports. */
#define MOE_LIBRARY_SYMBOL "moe_get_library"
typedef const moe_library_desc *(*moe_library_fn)(void);

/* ---- libmoe_runtime.so ------------------------------------------------------------------------------------ */

/* Why the last call on this thread failed: one line; valid until this thread's next call. */
MOE_EXPORT const char *moe_last_error(void);
MOE_EXPORT const char *moe_status_name(moe_status status);

/* MOE_CPU_* of this machine. The variable MOE_CPU_FEATURES_MASK (an integer) can only take features away. */
MOE_EXPORT uint64_t moe_cpu_features(void);
/* The features of `mask` in words, as "avx2+fma avx512-bf16"; writes at most `size` bytes with the final zero. */
MOE_EXPORT void moe_cpu_features_string(uint64_t mask, char *text, size_t size);

/* Workers: `threads` counts the calling thread; 0 means one for each CPU this process may use. In a process with an
 * OpenMP runtime its threads do the work (docs/abi.md), unless the variable MOE_POOL says "own". */
MOE_EXPORT moe_status moe_pool_create(int threads, moe_pool **pool);
MOE_EXPORT void moe_pool_destroy(moe_pool *pool);
MOE_EXPORT int moe_pool_threads(const moe_pool *pool);

/* The one symbol that generated kernels call: fn(ctx, begin, end) covers 0..tasks-1, each task exactly once, and all
 * of it has happened when the call returns. Tasks are handed out dynamically. */
typedef void (*moe_task_fn)(void *ctx, int64_t begin, int64_t end);
MOE_EXPORT void moe_parallel_for(moe_pool *pool, int64_t tasks, moe_task_fn fn, void *ctx);

typedef struct moe_library moe_library;
typedef struct moe_layer moe_layer;

/* Opens a generated library (dlopen), checks its ABI version. */
MOE_EXPORT moe_status moe_library_open(const char *path, moe_library **library);
/* The same for a descriptor already in memory (JIT); it must outlive the library. */
MOE_EXPORT moe_status moe_library_wrap(const moe_library_desc *desc, moe_library **library);
MOE_EXPORT void moe_library_close(moe_library *library);
MOE_EXPORT const moe_library_desc *moe_library_info(const moe_library *library);

/* How far a load is: `done` of `total` bytes packed and, where a packed file is written, written; rising, and `total`
 * the last time. Called by one thread at a time, which may be any of the pool; it should return soon, and must not
 * throw. */
typedef void (*moe_progress_fn)(void *data, int64_t done, int64_t total);

typedef struct moe_load_options {
  const char *checkpoint; /* folder; null: the path in the library */
  int32_t random_weights; /* 1: no checkpoint, weights drawn from `seed` */
  int32_t check_digest;   /* 1: refuse a checkpoint whose headers differ from those compiled for */
  uint64_t seed;
  moe_pool *pool;        /* used to pack in parallel; may be null */
  const char *packed;    /* packed file to map, or to write where there is none (docs/packed-file.md); null: none */
  int32_t verify_packed; /* 1: read all of the packed file and compare its checksums, too */
  int32_t reserved;
  moe_progress_fn progress; /* null: nobody wants to know */
  void *progress_data;
} moe_load_options;

/* Where a layer's weights came from. */
typedef enum moe_packed {
  MOE_PACKED_NONE = 0,    /* packed in memory; no packed file was asked for, or there is no weight */
  MOE_PACKED_MAPPED = 1,  /* the packed file */
  MOE_PACKED_WRITTEN = 2, /* packed in memory, and written to the packed file, which was not there */
  MOE_PACKED_REPLACED = 3 /* the same, and it took the place of a packed file for something else or damaged */
} moe_packed;

/* Chooses the variant for this machine, reads the layer's weights and packs them. `index` counts desc.layers. */
MOE_EXPORT moe_status moe_layer_load(const moe_library *library, int64_t index, const moe_load_options *options,
                                     moe_layer **layer);
MOE_EXPORT void moe_layer_free(moe_layer *layer);
MOE_EXPORT const moe_layer_desc *moe_layer_info(const moe_layer *layer);
MOE_EXPORT const moe_variant_desc *moe_layer_variant(const moe_layer *layer);
/* `reason`, where it is not null, gets one line on what was wrong with a packed file that was replaced, else "". */
MOE_EXPORT moe_packed moe_layer_packed(const moe_layer *layer, const char **reason);

/* Bytes of workspace that one call with `tokens` rows needs. */
MOE_EXPORT moe_status moe_layer_workspace_size(const moe_layer *layer, int64_t tokens, size_t *bytes);

typedef struct moe_tensor {
  void *data;     /* may be null when it has no element */
  int64_t rows;   /* first dimension */
  int64_t cols;   /* second dimension, 1 for rank 1 */
  int64_t stride; /* elements from one row to the next, >= cols */
  int32_t dtype;
  int32_t reserved;
} moe_tensor;

/* Runs a layer. inputs and outputs follow the descriptor; an output whose data is null is computed and dropped.
 * workspace: null lets the runtime allocate. Reentrant: any number of threads may run one layer at once, each with a
 * workspace of its own. */
MOE_EXPORT moe_status moe_layer_run(const moe_layer *layer, const moe_tensor *inputs, const moe_tensor *outputs,
                                    void *workspace, size_t workspace_bytes, moe_pool *pool);

#ifdef __cplusplus
}
#endif

#endif /* MOE_RUNTIME_RUNTIME_H */
