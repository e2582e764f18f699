// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PointWeights.cpp - packed weights through a table of pointers, one for each expert -----------------===//
//
// Experts need not be neighbours in memory: they may be loaded one by one, later, or shared. So a kernel takes packed
// weights as a table of addresses (docs/abi.md), and reads the address where it used to take a slice.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Codegen/Common/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::moe {
#define GEN_PASS_DEF_POINTWEIGHTS
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The same elements as `type`, whose strides differ in dimensions of one element at most.
static Value withStridesOf(OpBuilder &b, Location loc, Value part, MemRefType type) {
  if (part.getType() == type)
    return part;
  if (memref::CastOp::areCastCompatible(part.getType(), type))
    return memref::CastOp::create(b, loc, type, part);
  // Of several dimensions of one element the old slice and the new one dropped others.
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, part);
  SmallVector<int64_t> strides;
  int64_t staticOffset;
  [[maybe_unused]] LogicalResult strided = type.getStridesAndOffset(strides, staticOffset);
  assert(succeeded(strided) && "a slice has strides");
  OpFoldResult offset = metadata.getOffset();
  if (!ShapedType::isDynamic(staticOffset))
    offset = b.getIndexAttr(staticOffset);
  return memref::ReinterpretCastOp::create(b, loc, type, metadata.getBaseBuffer(), offset,
                                           getAsIndexOpFoldResult(b.getContext(), type.getShape()),
                                           getAsIndexOpFoldResult(b.getContext(), strides));
}

/// Replaces a slice of one expert by a slice of the memory at the expert's address.
static LogicalResult rewriteSlice(memref::SubViewOp slice, BlockArgument table, MemRefType whole) {
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(), sizes = slice.getMixedSizes(),
                            strides = slice.getMixedStrides();
  if (getConstantIntValue(sizes[0]) != 1)
    return slice.emitOpError("takes more than one expert of a packed weight");
  OpBuilder b(slice);
  Location loc = slice.getLoc();
  Value expert = getValueOrCreateConstantIndexOp(b, loc, offsets[0]);
  Value address = memref::LoadOp::create(b, loc, table, ValueRange(expert));
  auto one = MemRefType::get(whole.getShape().drop_front(), whole.getElementType());
  Value memory = FromAddressOp::create(b, loc, one, address);
  auto drop = [](SmallVector<OpFoldResult> &list) { return ArrayRef<OpFoldResult>(list).drop_front(); };
  auto resultShape = slice.getType().getShape();
  auto type =
      memref::SubViewOp::inferRankReducedResultType(resultShape, one, drop(offsets), drop(sizes), drop(strides));
  Value part =
      memref::SubViewOp::create(b, loc, cast<MemRefType>(type), memory, drop(offsets), drop(sizes), drop(strides));
  slice.replaceAllUsesWith(withStridesOf(b, loc, part, slice.getType()));
  slice.erase();
  return success();
}

namespace {

struct PointWeights : moe::impl::PointWeightsBase<PointWeights> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (func.isExternal())
        continue;
      for (BlockArgument argument : func.getArguments()) {
        auto packing = func.getArgAttrOfType<PackingAttr>(argument.getArgNumber(), kPackingAttr);
        if (!packing || packing.getPanel() == 0)
          continue;
        SmallVector<memref::SubViewOp> slices;
        for (Operation *user : argument.getUsers()) {
          auto slice = dyn_cast<memref::SubViewOp>(user);
          if (!slice) {
            user->emitOpError("uses a packed weight, but is no slice of one expert");
            return signalPassFailure();
          }
          slices.push_back(slice);
        }
        auto whole = cast<MemRefType>(argument.getType());
        argument.setType(MemRefType::get({packing.getExperts()}, IntegerType::get(&getContext(), 64)));
        for (memref::SubViewOp slice : slices)
          if (failed(rewriteSlice(slice, argument, whole)))
            return signalPassFailure();
      }
      func.setFunctionType(FunctionType::get(&getContext(), func.front().getArgumentTypes(), func.getResultTypes()));
    }
  }
};

} // namespace
