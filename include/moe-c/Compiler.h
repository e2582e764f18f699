/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The compiler for programs in other languages: what the tools do, as functions of C. Code is run through
 * moe/Runtime/Runtime.h. Functions may be called from any number of threads; they keep no state but the text of the
 * last error on each thread. */
#ifndef MOE_C_COMPILER_H
#define MOE_C_COMPILER_H

#include "moe/Runtime/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the functions here: why the last call on this thread failed, one line; valid until this thread's next call. */
MOE_EXPORT const char *moe_compiler_last_error(void);

/* What is compiled and for which machine: the flags of moe-compile. A null text is that of an absent flag. */
typedef struct moe_compiler_options {
  const char *input;      /* .mlir text, a checkpoint folder or its config.json; with `text`, its name in messages */
  const char *text;       /* the text of an .mlir instead of a file */
  const char *dtype;      /* a number format: "bf16", "int8", "int4:g32"; null: the checkpoint's */
  const char *layers;     /* MoE blocks, "0,3-5"; null: all */
  const char *checkpoint; /* where the weights are; null: with the config, or as an .mlir says */
  const char *cpu;        /* "native" (null), a machine level or the name of a CPU */
  int32_t random_weights; /* 1: weights are not looked for: random ones, or those of moe_layer_load_tensors */
  int32_t reference;      /* 1: the naive lowering */
} moe_compiler_options;

/* Native code in this process. */
typedef struct moe_code moe_code;

/* Compiles every layer of the input. The code outlives what moe_library_wrap makes of its descriptor. */
MOE_EXPORT moe_status moe_compile(const moe_compiler_options *options, moe_code **code);
MOE_EXPORT void moe_code_free(moe_code *code);
MOE_EXPORT const moe_library_desc *moe_code_library(const moe_code *code);
/* The layers in words with their sizes, then what each pass did and what it declined, a line each; lives as long as the
 * code. */
MOE_EXPORT const char *moe_code_report(const moe_code *code);

/* Compiles to a file: `emit` is shared, header, obj, asm, llvm or mlir (of the stage model). */
MOE_EXPORT moe_status moe_compile_to_file(const moe_compiler_options *options, const char *emit, const char *output);

/* Texts are freed with moe_text_free. */
MOE_EXPORT void moe_text_free(char *text);
/* The IR at a stage: model, grouped, linalg, kernel or target. */
MOE_EXPORT moe_status moe_compile_to_stage(const moe_compiler_options *options, const char *stage, char **text);
/* The MoE blocks of a checkpoint folder or its config.json in words, or as JSON with the fields "model_type", "dtype",
 * "layers" and "blocks": of each block "index", "layer", "experts", "top_k", "model_width", "expert_width" and
 * "weights", with "role", "source" and "shape" each. */
MOE_EXPORT moe_status moe_describe(const char *input, int32_t json, char **text);
/* The model families that can be imported, a line each. */
MOE_EXPORT moe_status moe_list_architectures(char **text);
/* Bytes and operations of the layers of a library, in words. */
MOE_EXPORT moe_status moe_summary(const moe_library_desc *library, char **text);

#ifdef __cplusplus
}
#endif

#endif /* MOE_C_COMPILER_H */
