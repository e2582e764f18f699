// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attributes: selections, score functions, renormalisation, and what code generation records.

#ifndef MOE_ATTRS_TD
#define MOE_ATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "moe/Dialect/MoE/IR/MoEEnums.td"
include "moe/Dialect/MoE/IR/MoEInterfaces.td"

class MoE_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<MoE_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===-- Selections ------------------------------------------------------------------------------------------===//

def MoE_TopKAttr : MoE_Attr<"TopK", "top_k",
    [DeclareAttrInterfaceMethods<SelectAttrInterface, ["dropUnreachable"]>]> {
  let summary = "the k largest entries";
  let description = [{
    With `axis = expert` each row picks its k best experts (token choice); with
    `axis = row` each expert picks its k best rows (expert choice), among all
    rows or, with `window = n`, among each n consecutive rows (the patches of a
    sample; the last window has the rows that are left). An expert that finds
    fewer than k rows leaves its last slots empty: id -1, weight 0. With
    `capacity = c` an expert takes at most c rows in row order; the slots of
    the rest are dropped: their id becomes -1.

    Examples: `#moe.top_k<8>`, `#moe.top_k<4, axis = row, window = 16>`,
    `#moe.top_k<1, capacity = 64>`.

    C1: k >= 1. C2: k <= experts (axis = expert). C3: window only with axis =
    row, and k <= window. C4: capacity only with axis = expert, >= 0.
  }];
  let parameters = (ins "int64_t":$k, DefaultValuedParameter<"::mlir::moe::Axis", "::mlir::moe::Axis::Expert">:$axis,
                        DefaultValuedParameter<"int64_t", "0">:$window,
                        DefaultValuedParameter<"int64_t", "0">:$capacity);
  let hasCustomAssemblyFormat = 1;
}

def MoE_GroupTopKAttr : MoE_Attr<"GroupTopK", "group_top_k",
    [DeclareAttrInterfaceMethods<SelectAttrInterface, ["dropUnreachable"]>]> {
  let summary = "the k largest entries within the best groups of experts";
  let description = [{
    Experts form `groups` equal groups of consecutive experts; the `keep`
    groups with the best `reduce` score stay, entries of the others become
    `mask`, and the k best entries are taken (DeepSeek-V2 and V3 routers).

    Example: `#moe.group_top_k<8, groups = 8, keep = 4, reduce = top2_sum>`.

    C1: k >= 1 and k <= experts. C2: groups divides experts. C3: 1 <= keep <=
    groups. C4: k <= keep * experts / groups when the mask is neg_inf. C5:
    top2_sum needs two experts a group.
  }];
  let parameters = (ins "int64_t":$k, "int64_t":$groups, "int64_t":$keep,
                        DefaultValuedParameter<"::mlir::moe::GroupReduce", "::mlir::moe::GroupReduce::Max">:$reduce,
                        DefaultValuedParameter<"::mlir::moe::GroupMask", "::mlir::moe::GroupMask::NegInf">:$mask);
  let hasCustomAssemblyFormat = 1;
}

def MoE_AllAttr : MoE_Attr<"All", "all", [DeclareAttrInterfaceMethods<SelectAttrInterface, ["isInOrder"]>]> {
  let summary = "every expert: a dense mixture";
  let description = [{
    The count of the routing is the number of experts, the ids of every row are
    `0 .. experts - 1` in this order. With it a layer is the plain mixture of
    experts of Jacobs et al. (1991).
  }];
}

//===-- Score functions -------------------------------------------------------------------------------------===//

class MoE_ScoreFunctionAttr<string name, string attrMnemonic, bit normalizing, bit monotone>
    : MoE_Attr<name, attrMnemonic, [DeclareAttrInterfaceMethods<ScoreFunctionAttrInterface>]> {
  let extraClassDefinition = "bool $cppClass::isNormalizing() const { return " # !if(normalizing, "true", "false") #
                             "; }\nbool $cppClass::isMonotone() const { return " # !if(monotone, "true", "false") # "; }";
}

def MoE_SoftmaxAttr : MoE_ScoreFunctionAttr<"Softmax", "softmax", 1, 1> {
  let summary = "exp(x - max) / sum, over a set of experts";
  let description = [{
    Normalising: `over` names the set (`all`, `selected`, `group`). A NaN among
    the logits of the set, or an infinite maximum, makes all its scores NaN.
    Most routers: Mixtral, OLMoE, Qwen, GPT-OSS (over selected).
  }];
}
def MoE_SigmoidAttr : MoE_ScoreFunctionAttr<"Sigmoid", "sigmoid", 0, 1> {
  let summary = "1 / (1 + exp(-x))";
  let description = [{
    In (0, 1) whatever the other logits are, so weights do not sum to 1 unless
    they are renormalised (DeepSeek-V3, GLM-4.5, MiniMax-M2, Llama 4).
  }];
}
def MoE_SqrtSoftplusAttr : MoE_ScoreFunctionAttr<"SqrtSoftplus", "sqrt_softplus", 0, 1> {
  let summary = "sqrt(log(1 + exp(x)))";
  let description = [{
    The square root of softplus: grows like sqrt(x), so that large logits part
    less than with a sigmoid's saturation (DeepSeek-V4).
  }];
}
def MoE_ReluAttr : MoE_ScoreFunctionAttr<"Relu", "relu", 0, 1> {
  let summary = "max(x, 0)";
  let description = [{
    An expert with a logit that is not positive counts for nothing: with
    `#moe.all` the router of ReMoE (Wang et al., 2024), whose number of active
    experts varies from row to row.
  }];
}
def MoE_IdentityAttr : MoE_ScoreFunctionAttr<"Identity", "identity", 0, 1> {
  let summary = "the logit itself";
  let description = [{
    For logits that are weights already: scores from an expert's response, or a
    linear mixture. Scores may be negative.
  }];
}
def MoE_OneAttr : MoE_ScoreFunctionAttr<"One", "one", 0, 1> {
  let summary = "1 for every expert";
  let description = [{
    Weights that say chosen, and no more: hard trees, and layers whose experts
    are added unweighted.
  }];
}

def MoE_RenormalizeAttr : MoE_Attr<"Renormalize", "renormalize"> {
  let summary = "divide the selected weights by their norm";
  let description = [{
    w_i / max(min, (sum_j |w_j|^p)^(1/p) + eps) over the selected entries of a
    row. `#moe.renormalize` alone is the sum.

    C1: p >= 1. C2: eps >= 0. C3: min >= 0.
  }];
  let parameters = (ins APFloatParameter<"">:$p, APFloatParameter<"">:$eps, APFloatParameter<"">:$min);
  let builders = [AttrBuilder<(ins CArg<"double", "1.0">:$p, CArg<"double", "0.0">:$eps, CArg<"double", "0.0">:$min), [{
    return $_get($_ctxt, ::llvm::APFloat(p), ::llvm::APFloat(eps), ::llvm::APFloat(min));
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

//===-- Weights ---------------------------------------------------------------------------------------------===//

def MoE_PartAttr : MoE_Attr<"Part", "part"> {
  let summary = "every step-th row or column of a stored matrix";
  let description = [{
    Entries `begin`, `begin + step`, `begin + 2 * step`, ... of the `total`
    that are stored, as many as the weight has. Checkpoints that keep gate and
    up in one tensor hold them as halves (`step 1`) or interleaved (`step 2`).

    Examples: `#moe.part<rows 80 step 1 of 160>`, `#moe.part<columns 1 step 2 of 96>`.

    C1: 0 <= begin < total. C2: 1 <= step <= total.
  }];
  let parameters = (ins EnumParameter<MoE_PartOf>:$kind, "int64_t":$begin, "int64_t":$step, "int64_t":$total);
  let assemblyFormat = "`<` $kind $begin `step` $step `of` $total `>`";
  let genVerifyDecl = 1;
}

//===-- Variants by the number of rows ---------------------------------------------------------------------===//

def MoE_VariantAttr : MoE_Attr<"Variant", "variant"> {
  let summary = "one way to run the products of a routing, from a number of rows on";
  let description = [{
    From `from` rows on, until the next variant takes over, the products run as
    `kind` says: `single_row` slot by slot, without a sort, `grouped` in the
    order of a plan, `padded` in an order with a fixed place for every row that
    an expert may take. `nanoseconds` is what the cost model estimates at `from`
    rows (at one row for 0), 0 where it was not asked.

    C1: from >= 0. C2: nanoseconds >= 0.
  }];
  let parameters = (ins EnumParameter<MoE_VariantKind>:$kind, "int64_t":$from, "int64_t":$nanoseconds);
  let assemblyFormat = "`<` $kind `from` $from `,` $nanoseconds `ns` `>`";
  let genVerifyDecl = 1;
}

def MoE_VariantsAttr : MoE_Attr<"Variants", "variants"> {
  let summary = "the variants of a routing's products, by the number of rows";
  let description = [{
    Set by `moe-choose-variants` on a plan and obeyed by `moe-fork-variants`,
    which leaves it on the test between them.

    Example: `#moe.variants<<single_row from 0, 5210 ns>, <grouped from 3, 14950 ns>>`.

    C1: at least one variant, the first from 0 rows on. C2: ascending from.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::moe::VariantAttr">:$variants);
  let assemblyFormat = "`<` $variants `>`";
  let genVerifyDecl = 1;
}

//===-- What code generation records ------------------------------------------------------------------------===//

def MoE_KernelConfigAttr : MoE_Attr<"KernelConfig", "kernel_config"> {
  let summary = "tile sizes of one grouped product, chosen once, obeyed by every later pass";
  let description = [{
    `level` names the machine level; `columns` is the number of output columns
    of one panel (one task); `rows` lists the heights of the blocks of rows that
    the level's tile kernel takes at a time, largest first (on vectors the last
    is 1); `k_group` is how many consecutive reduction elements lie together in
    packed weights; `vector` the lanes of an f32 vector; `prefetch` as how many
    streams side by side the next panel is brought near while one is multiplied
    (0, or left out: not at all). `task_rows`, where it is there, cuts products
    into many small tasks: one is a panel times at most so many rows of one
    group; without it one task takes a panel of all groups.

    Example: `#moe.kernel_config<level = "avx512-bf16", columns = 32, rows =
    [6, 2, 1], k_group = 2, vector = 16>`.
  }];
  let parameters = (ins StringRefParameter<>:$level, "int64_t":$columns, ArrayRefParameter<"int64_t">:$rows,
                        "int64_t":$kGroup, "int64_t":$vector, DefaultValuedParameter<"int64_t", "0">:$prefetch,
                        DefaultValuedParameter<"int64_t", "0">:$taskRows);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$level, "int64_t":$columns, "::llvm::ArrayRef<int64_t>":$rows,
                                   "int64_t":$kGroup, "int64_t":$vector, "int64_t":$prefetch), [{
    return $_get($_ctxt, level, columns, rows, kGroup, vector, prefetch, /*taskRows=*/0);
  }]>];
  let hasCustomAssemblyFormat = 1;
}

def MoE_PackingAttr : MoE_Attr<"Packing", "packing"> {
  let summary = "how weights lie in a packed kernel argument";
  let description = [{
    On an argument of a kernel at the `kernel` stage: `weights` are the indices
    of the layer's weights that are interleaved in it, panel by panel; `rows`
    and `cols` their logical shape [N, K] per expert. docs/abi.md has the
    layout. `panel = 0` is a plain row-major argument. `type` is the element
    type of the logical weights; `format` names a quantised number format,
    whose layout packed panels then have.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$weights, "int64_t":$experts, "int64_t":$rows, "int64_t":$cols,
                        "int64_t":$panel, "int64_t":$kGroup, "::mlir::Type":$elementType,
                        OptionalParameter<"::mlir::StringAttr">:$format);
  let builders = [AttrBuilder<(ins "::llvm::ArrayRef<int64_t>":$weights, "int64_t":$experts, "int64_t":$rows,
                                   "int64_t":$cols, "int64_t":$panel, "int64_t":$kGroup, "::mlir::Type":$elementType), [{
    return $_get($_ctxt, weights, experts, rows, cols, panel, kGroup, elementType, ::mlir::StringAttr());
  }]>];
  let assemblyFormat = [{
    `<` `weights` `=` `[` $weights `]` `,` `experts` `=` $experts `,` `rows` `=` $rows `,` `cols` `=` $cols `,`
    `panel` `=` $panel `,` `k_group` `=` $kGroup `,` `type` `=` $elementType
    (`,` `format` `=` $format^)? `>`
  }];
}

#endif // MOE_ATTRS_TD
