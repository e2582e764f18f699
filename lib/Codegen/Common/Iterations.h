// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Iterations.h - the iterations of a parallel loop, counted in one number ----------------------------===//

#ifndef MOE_LIB_CODEGEN_COMMON_ITERATIONS_H
#define MOE_LIB_CODEGEN_COMMON_ITERATIONS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::moe {

/// ceil((upper - lower) / step) of each dimension.
inline SmallVector<Value> iterations(OpBuilder &b, scf::ForallOp loop) {
  SmallVector<Value> counts;
  Location loc = loop.getLoc();
  for (auto [lower, upper, step] :
       llvm::zip_equal(loop.getMixedLowerBound(), loop.getMixedUpperBound(), loop.getMixedStep())) {
    Value low = getValueOrCreateConstantIndexOp(b, loc, lower), high = getValueOrCreateConstantIndexOp(b, loc, upper);
    Value span = arith::SubIOp::create(b, loc, high, low);
    counts.push_back(arith::CeilDivUIOp::create(b, loc, span, getValueOrCreateConstantIndexOp(b, loc, step)));
  }
  return counts;
}

/// The product of the counts.
inline Value totalIterations(OpBuilder &b, Location loc, ArrayRef<Value> counts) {
  Value total = arith::ConstantIndexOp::create(b, loc, 1);
  for (Value count : counts)
    total = arith::MulIOp::create(b, loc, total, count);
  return total;
}

/// Maps the loop's induction variables to what they are in iteration `number`, last dimension fastest. Counts and
/// bounds are looked up in `map`, too.
inline void mapInductionVars(OpBuilder &b, scf::ForallOp loop, Value number, ArrayRef<Value> counts, IRMapping &map) {
  Location loc = loop.getLoc();
  Value rest = number;
  for (int64_t i = loop.getRank() - 1; i >= 0; --i) {
    Value place = rest;
    if (i != 0) {
      Value count = map.lookupOrDefault(counts[i]);
      place = arith::RemUIOp::create(b, loc, rest, count);
      rest = arith::DivUIOp::create(b, loc, rest, count);
    }
    auto bound = [&](OpFoldResult value) {
      if (auto known = dyn_cast<Value>(value))
        return map.lookupOrDefault(known);
      return getValueOrCreateConstantIndexOp(b, loc, value);
    };
    Value scaled = arith::MulIOp::create(b, loc, place, bound(loop.getMixedStep()[i]));
    map.map(loop.getInductionVar(i), arith::AddIOp::create(b, loc, scaled, bound(loop.getMixedLowerBound()[i])));
  }
}

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_COMMON_ITERATIONS_H
