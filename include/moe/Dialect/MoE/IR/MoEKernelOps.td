// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel stage: the little that MLIR's own dialects cannot say.

#ifndef MOE_KERNEL_OPS_TD
#define MOE_KERNEL_OPS_TD

include "mlir/Interfaces/SideEffectInterfaces.td"
include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_FromAddressOp : MoE_Op<"from_address", [Pure]> {
  let summary = "the memory at an address, with a static shape and a plain layout";
  let description = [{
    Kernels find the weights of an expert by an address in a table
    (docs/abi.md). `moe-lower-addresses` makes a descriptor of it.

    ```mlir
    %address = memref.load %table[%expert] : memref<64xi64>
    %weights = moe.from_address %address : memref<32x1024x2x64xbf16>
    ```

    C1: the type has a static shape and an identity layout.
  }];
  let arguments = (ins I64:$address);
  let results = (outs MemRefOf<[AnyType]>:$memory);
  let assemblyFormat = "$address attr-dict `:` type($memory)";
  let hasVerifier = 1;
}

#endif // MOE_KERNEL_OPS_TD
