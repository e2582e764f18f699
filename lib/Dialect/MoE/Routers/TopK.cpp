// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TopK.cpp - emission of #moe.top_k ------------------------------------------------------------------===//

#include "BestOf.h"
#include "Chunks.h"
#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct TopKEmitter : SelectEmitter::ExternalModel<TopKEmitter, TopKAttr> {
  Value emitReference(Attribute attr, OpBuilder &b, Location loc, Value rank) const {
    return emitBestReference(b, loc, rank, cast<TopKAttr>(attr).getK());
  }

  SmallVector<RankedTensorType> getScratchTypes(Attribute attr, int64_t experts) const {
    return {getKeysType(attr.getContext(), experts)};
  }

  Value emitSelection(Attribute attr, OpBuilder &b, Location loc, int64_t experts, RankAtFn rankAt, Value idsInit,
                      MutableArrayRef<Value> scratch) const {
    auto keys = [&](OpBuilder &b, Location loc, Value e, int64_t lanes, ValueRange carried) {
      return SmallVector<Value>{emitWriteKeys(b, loc, rankAt(b, loc, e, lanes), carried[0], e)};
    };
    scratch[0] = emitChunks(b, loc, experts, scratch[0], keys)[0];
    return emitBest(b, loc, cast<TopKAttr>(attr).getK(), scratch[0], idsInit);
  }
};

} // namespace

void mlir::moe::attachTopK(MLIRContext *context) { TopKAttr::attachInterface<TopKEmitter>(*context); }
