// RUN: not moe-opt %s --moe-compile-pipeline=cpu=pdp11 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not moe-opt %s --moe-compile-pipeline=cpu=pentium3 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not moe-opt %s --moe-compile-pipeline=target=tpu 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not moe-opt %s --moe-compile-pipeline="target=nvptx chip=sm_70" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not moe-opt %s --moe-compile-pipeline=stop-after=ptx 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: not moe-opt %s --moe-compile-pipeline=speed=11 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not moe-opt %s --moe-to-linalg-pipeline=level=pdp11 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not moe-opt %s --moe-cpu-pipeline=level=pdp11 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not moe-opt %s --moe-compile-pipeline=stop-after=model 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not moe-opt %s --moe-compile-pipeline=stop-after=linalg 2>&1 | FileCheck %s --check-prefix=FORM

// An option that names what is not there is one line that says what is.
// CPU-NOT: error
// CPU: error: unknown cpu "pdp11": expected native, x86-64 or aarch64 (all levels of one in one library), amx, avx512-bf16, avx512-vnni, x86-64-v4, avx-vnni, x86-64-v3, armv8-a, or a CPU name with AVX2 or NEON such as znver5, sapphirerapids or neoverse-v1
// CPU-NOT: {{.}}
// OLD: error: unknown cpu "pentium3": expected native, x86-64 or aarch64 (all levels of one in one library), amx, {{.*$}}
// OLD-NOT: {{.}}
// TARGET-NOT: error
// TARGET: error: unknown target "tpu": expected cpu or nvptx
// TARGET-NOT: {{.}}
// CHIP-NOT: error
// CHIP: error: unknown chip "sm_70": expected sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100a or sm_120
// CHIP-NOT: {{.}}
// STAGE-NOT: error
// STAGE: error: unknown stage "ptx": expected model, grouped, linalg, kernel or target
// STAGE-NOT: {{.}}
// OPTION: no such option speed
// LEVEL: error: unknown machine level: pdp11
// LEVEL-NOT: error:

// A module whose form is not the one that the pipeline begins with is refused before anything is done to it.
// FORM: compile-errors.mlir:[[@LINE+2]]:8: error: 'moe.gather' op is not part of the model form
func.func @grouped(%x: tensor<?x8xf32>, %tokens: tensor<?xindex>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.gather %x at %tokens : tensor<?x8xf32>, tensor<?xindex> outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
