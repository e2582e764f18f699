// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PanelPrefetch.cpp - the next panel is brought near while a tile is multiplied ----------------------===//

#include "PanelPrefetch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;

static constexpr int64_t kLineBytes = 64;

static Value index(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

PanelPrefetch::PanelPrefetch(OpBuilder &b, Location loc, Value panel, Value steps, int64_t streams, Value wanted)
    : streams(streams) {
  auto type = cast<RankedTensorType>(panel.getType());
  int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  lineElements = kLineBytes / elementBytes;
  lines = static_cast<int64_t>(llvm::divideCeil(type.getNumElements() * elementBytes, kLineBytes));
  if (type.getRank() > 1) {
    ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    panel = tensor::CollapseShapeOp::create(b, loc, panel, SmallVector<ReassociationIndices>{all});
  }
  auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1});
  buffer = bufferization::ToBufferOp::create(
      b, loc, MemRefType::get({type.getNumElements()}, type.getElementType(), layout), panel, /*read_only=*/true);
  Value some = arith::MaxUIOp::create(b, loc, steps, index(b, loc, 1));
  Value rounded =
      arith::SubIOp::create(b, loc, arith::AddIOp::create(b, loc, index(b, loc, lines), some), index(b, loc, 1));
  Value part = arith::DivUIOp::create(b, loc, rounded, some);
  share = wanted ? arith::SelectOp::create(b, loc, wanted, part, index(b, loc, 0)).getResult() : part;
}

void PanelPrefetch::emit(OpBuilder &b, Location loc, Value line, int64_t steps) const {
  Value end = arith::MinUIOp::create(b, loc, advance(b, loc, line, index(b, loc, steps)), index(b, loc, lines));
  auto loop = scf::ForOp::create(b, loc, line, end, index(b, loc, 1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar();
  if (streams != 1 && lines % streams == 0) {
    Value stream = arith::RemUIOp::create(b, loc, at, index(b, loc, streams));
    Value within = arith::DivUIOp::create(b, loc, at, index(b, loc, streams));
    at = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, stream, index(b, loc, lines / streams)), within);
  }
  Value element = arith::MulIOp::create(b, loc, at, index(b, loc, lineElements));
  memref::PrefetchOp::create(b, loc, buffer, ValueRange(element), /*isWrite=*/false, /*localityHint=*/2,
                             /*isDataCache=*/true);
}

Value PanelPrefetch::advance(OpBuilder &b, Location loc, Value line, Value steps) const {
  return arith::AddIOp::create(b, loc, line, arith::MulIOp::create(b, loc, share, steps));
}
