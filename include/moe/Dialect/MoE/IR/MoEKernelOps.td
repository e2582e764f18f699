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
