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

def MoE_DotBytesOp : MoE_Op<"dot_bytes", [Pure, AllTypesMatch<["sums", "result"]>,
    AllTypesMatch<["codes", "row"]>]> {
  let summary = "adds to each lane the products of four pairs of bytes";
  let description = [{
    `result[i] = sums[i] + sum_j codes[4 * i + j] * row[4 * i + j]` for j of 0
    to 3, modulo 2^32. Bytes of `codes` are unsigned, those of `row` signed.
    `moe-lower-byte-ops` finds the machine's instruction, or does the same with
    arithmetic.

    ```mlir
    %next = moe.dot_bytes %sums, %codes, %row : vector<16xi32>, vector<64xi8>
    ```

    C1: there are four bytes for each lane.
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$sums, VectorOfRankAndType<[1], [I8]>:$codes,
                       VectorOfRankAndType<[1], [I8]>:$row);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = "$sums `,` $codes `,` $row attr-dict `:` type($sums) `,` type($codes)";
  let hasVerifier = 1;
}

def MoE_LookUpBytesOp : MoE_Op<"look_up_bytes", [Pure, AllTypesMatch<["indices", "result"]>]> {
  let summary = "a byte of a table of sixteen for each index";
  let description = [{
    `result[i] = table[indices[i]]`; the indices are bytes of 0 to 15.
    `moe-lower-byte-ops` finds the machine's instruction, or chooses among the
    sixteen one after the other.

    ```mlir
    %values = moe.look_up_bytes %codes in [0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, -112, -87, -60, -31]
        : vector<64xi8>
    ```

    C1: the table has sixteen bytes.
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$indices, DenseI8ArrayAttr:$table);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = "$indices `in` $table attr-dict `:` type($indices)";
  let hasVerifier = 1;
}

#endif // MOE_KERNEL_OPS_TD
