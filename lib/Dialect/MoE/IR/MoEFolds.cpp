// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEFolds.cpp - how ops of the dialect fold ---------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Interfaces/FoldInterfaces.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Folding puts constants to the head of the function by default. In a scalar function or an expert body they stay
/// where they are used: such a region is then complete when it moves, and can be read alone.
struct KeepConstants : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  bool shouldMaterializeInto(Region *region) const final {
    return isa<MapOp, GroupedMatmulOp, ExpertsOp>(region->getParentOp());
  }
};

} // namespace

void MoEDialect::registerFoldInterface() { addInterfaces<KeepConstants>(); }
