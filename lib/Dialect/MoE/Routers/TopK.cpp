// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TopK.cpp - emission of #moe.top_k ------------------------------------------------------------------===//

#include "BestOf.h"
#include "Emit.h"
#include "Kinds.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct TopKEmitter : SelectEmitter::ExternalModel<TopKEmitter, TopKAttr> {
  LogicalResult verifyEmittable(Attribute attr, Location loc) const {
    auto select = cast<TopKAttr>(attr);
    if (select.getAxis() == Axis::Expert && select.getCapacity() == 0)
      return success();
    return emitError(loc) << select << " is not lowered yet: only a choice of experts without capacity is";
  }

  Value emitReference(Attribute attr, OpBuilder &b, Location loc, Value rank) const {
    return emitBestReference(b, loc, rank, cast<TopKAttr>(attr).getK());
  }

  SmallVector<RankedTensorType> getScratchTypes(Attribute attr, int64_t) const {
    return getBestScratchTypes(attr.getContext(), cast<TopKAttr>(attr).getK());
  }

  Value emitSelection(Attribute attr, OpBuilder &b, Location loc, int64_t experts, RankAtFn rankAt, Value idsInit,
                      MutableArrayRef<Value> scratch) const {
    return emitBest(b, loc, experts, cast<TopKAttr>(attr).getK(), rankAt, idsInit, scratch);
  }
};

} // namespace

void mlir::moe::attachTopK(MLIRContext *context) { TopKAttr::attachInterface<TopKEmitter>(*context); }
