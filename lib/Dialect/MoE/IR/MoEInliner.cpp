// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEInliner.cpp - the dialect's ops may be inlined --------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Ops of functions go where the functions are called; nothing is inlined into a region of this dialect, as epilogues
/// and expert bodies are no places for calls.
struct MoEInliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const override { return true; }
};

} // namespace

void MoEDialect::registerInlinerInterface() { addInterfaces<MoEInliner>(); }
