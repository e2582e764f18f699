// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel stage: the little that MLIR's own dialects cannot say.

#ifndef MOE_KERNEL_OPS_TD
#define MOE_KERNEL_OPS_TD

include "mlir/Interfaces/SideEffectInterfaces.td"
include "moe/Dialect/MoE/IR/MoEBase.td"

/// Caches: what a prefetch touches, so that it neither goes away nor orders any access to memory.
def MoE_CacheResource : Resource<"::mlir::moe::CacheResource">;

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

def MoE_ThreadsOp : MoE_Op<"threads", [Pure]> {
  let summary = "how many threads share the call of a kernel";
  let description = [{
    At least 1. Loops over tasks are cut by it; no value of a result depends on
    it. `moe-outline-tasks` asks the pool of the call.

    ```mlir
    %n = moe.threads : index
    ```
  }];
  let results = (outs Index:$count);
  let assemblyFormat = "attr-dict `:` type($count)";
}

def MoE_PrefetchOp : MoE_Op<"prefetch", [MemoryEffects<[MemWrite<MoE_CacheResource>]>]> {
  let summary = "what the next tile multiplies by, to be brought near while this one is multiplied";
  let description = [{
    Stands before the product of a tile at the `linalg` stage and names the
    matrices of the tile that the same task multiplies next. It changes no
    value. The micro-kernel emitter spreads prefetches of their packed panel over
    the tile's reduction; a lowering without packed panels drops it.
    `moe-prefetch-panels` puts it there.

    ```mlir
    moe.prefetch %gate, %up : tensor<32x2048xbf16>, tensor<32x2048xbf16>
    ```

    C1: at least one matrix. C2: all matrices have one type.
  }];
  let arguments = (ins Variadic<2DTensorOf<[AnyFloat]>>:$matrices);
  let assemblyFormat = "$matrices attr-dict `:` type($matrices)";
  let hasVerifier = 1;
}

#endif // MOE_KERNEL_OPS_TD
