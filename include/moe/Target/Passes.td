// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From the kernel stage to the LLVM dialect: the last passes before LLVM itself.

#ifndef MOE_TARGET_PASSES_TD
#define MOE_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitLibrary : Pass<"moe-emit-library", "::mlir::ModuleOp"> {
  let summary = "layers and weights become the constant descriptor of a compiled library";
  let description = [{
    Runs on a module at the kernel stage. Every `moe.layer` and `moe.weight`
    becomes part of one constant `moe_library_desc` (docs/abi.md), which the
    one exported function, `moe_get_library`, returns. For each kernel `@k` that a
    layer names it adds

    * `@k_run`, the C entry, which turns `moe_kernel_args` into the kernel's
      memrefs. Weights that are packed are given as their table of pointers,
      plain ones by the address of their first expert.
    * `@k_bytes`, the C form of `@k_workspace`.

    Everything but `moe_get_library` becomes internal.

    Before:

    ```mlir
    moe.weight @l0.down : tensor<8x64x80xf32> from "experts.{e}.w2.weight"
    moe.layer @moe0 block 0 = @k(@l0.down)
    func.func @k(%x: memref<?x80xf32, strided<[?, 1]>>, %w: memref<8xi64> {moe.packing = ...},
                 %y: memref<?x64xf32, strided<[?, 1]>> {moe.name = "output"},
                 %ws: memref<?xi8>, %pool: !llvm.ptr) { ... }
    ```

    After:

    ```mlir
    llvm.mlir.global internal constant @moe.desc() : !llvm.struct<"moe_library_desc", ...> { ... }
    llvm.func @moe_get_library() -> !llvm.ptr { ... }
    llvm.func internal @k_run(%args: !llvm.ptr) { ... func.call @k(...) ... }
    func.func private @k(...) { ... }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

def ExpandMath : Pass<"moe-expand-math"> {
  let summary = "math functions become arithmetic, as kernels call no library";
  let description = [{
    Polynomial approximations of exp, log, tanh and their like, on scalars and
    vectors, computed in f32 whatever the element type is. Functions that are
    one instruction (sqrt, fma, floor, ...) stay.

    Before: `%1 = math.exp %0 : vector<16xf32>`. After: multiplies and adds.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def MoveAsIntegers : Pass<"moe-move-as-integers"> {
  let summary = "loads and stores of bf16 move i16";
  let description = [{
    On a CPU without bf16 LLVM keeps a bf16 that was loaded as f32, and rounds it
    with a call of the compiler's runtime library where it is stored; of a masked
    vector it does so for each element. Integers of the same bits stay as they are.

    Before: `llvm.intr.masked.store %v, %p, %m : vector<16xbf16>, ...`. After:
    `llvm.bitcast %v : vector<16xbf16> to vector<16xi16>`, and a store of that.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def SetFunctionTargets : Pass<"moe-set-function-targets", "::mlir::ModuleOp"> {
  let summary = "functions of other machine levels than their module get their CPU and features";
  let description = [{
    A function with `moe.target` (a kernel of one of several levels in a
    library, or a task of it) is compiled for that CPU and those features
    rather than the module's.

    Before:

    ```mlir
    llvm.func @k() attributes {moe.level = "x86-64-v4", moe.target = {cpu = "x86-64-v4", features = "-prefer-256-bit"}} {
      llvm.return
    }
    ```

    After:

    ```mlir
    llvm.func @k() attributes {target_cpu = "x86-64-v4", target_features = #llvm.target_features<["-prefer-256-bit"]>} {
      llvm.return
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MOE_TARGET_PASSES_TD
