// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that know NVIDIA's GPUs: from device kernels to NVVM.

#ifndef MOE_CODEGEN_GPU_NVVM_PASSES_TD
#define MOE_CODEGEN_GPU_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertToNVVM : Pass<"moe-convert-to-nvvm", "mlir::gpu::GPUModuleOp"> {
  let summary = "device kernels to the LLVM and NVVM dialects";
  let description = [{
    Upstream's conversion of GPU ops to NVVM, but that functions which are one
    instruction (fma, floor, abs, sqrt, ...) become it: upstream calls libdevice
    for them, which kernels do not link. Indices have 64 bits.

    Before:

    ```mlir
    gpu.module @moe_device {
      gpu.func @k(%x: f32, %y: !llvm.ptr) kernel {
        %thread = gpu.thread_id x
        %floor = math.floor %x : f32
        %z = math.fma %x, %floor, %x : f32
        llvm.store %z, %y : f32, !llvm.ptr
        gpu.barrier
        gpu.return
      }
    }
    ```

    After:

    ```mlir
    gpu.module @moe_device {
      llvm.func @k(%x: f32, %y: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
        %floor = llvm.intr.floor(%x) : (f32) -> f32
        %z = llvm.intr.fma(%x, %floor, %x) : (f32, f32, f32) -> f32
        llvm.store %z, %y : f32, !llvm.ptr
        nvvm.barrier0
        llvm.return
      }
    }
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect"];
}

#endif // MOE_CODEGEN_GPU_NVVM_PASSES_TD
