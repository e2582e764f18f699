// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The dialect itself.

#ifndef MOE_BASE_TD
#define MOE_BASE_TD

include "mlir/IR/OpBase.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::mlir::moe";
  let summary = "mixture-of-experts layers, from what they compute to grouped kernels";
  let description = [{
    The dialect has two forms. The *model form* says what a layer computes:
    scores, a routing, rows dispatched to experts, an expert body, a
    combination. Nothing in it chooses an order of rows, a layout or a
    machine; `!moe.routing` and `!moe.ragged` are opaque for that reason. The
    *grouped form* is what passes make of it: plain tensors, rows sorted by
    expert, grouped matrix products with an epilogue region. Symbols
    (`moe.weight`, `moe.layer`) bind a kernel to a checkpoint.

    A constraint that a verifier checks carries a label, `C1`, `C2` and so on,
    in the op's description, at the check and in the test of its message.
  }];
  let extraClassDeclaration = [{
    void registerFoldInterface();
    void registerInlinerInterface();
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class MoE_Op<string mnemonic, list<Trait> traits = []> : Op<MoE_Dialect, mnemonic, traits>;

#endif // MOE_BASE_TD
