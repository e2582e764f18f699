// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmitRouteWithin.cpp - a further level of a routing ----------------------------------------------------===//
//
// The children of a node are a row of logits of their own, routed as any other row.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "Emit.h"
#include "moe/Dialect/MoE/Routers/EmitRoute.h"

using namespace mlir;
using namespace mlir::moe;

EmittedRoute mlir::moe::emitRouteWithin(OpBuilder &b, Location loc, const RouteSpec &spec, int64_t nodes,
                                        EmittedRoute parent, Value logits, Value idsInit, Value weightsInit,
                                        llvm::function_ref<decltype(emitRoute)> emit) {
  auto logitsType = cast<RankedTensorType>(logits.getType());
  int64_t children = logitsType.getDimSize(1) / nodes, count = spec.select.getCount(children);
  int64_t parents = cast<RankedTensorType>(parent.first.getType()).getDimSize(1);
  auto rowType = RankedTensorType::get({1, children}, logitsType.getElementType());
  Type weightType = cast<RankedTensorType>(weightsInit.getType()).getElementType(), i32 = b.getI32Type();

  auto within = [&](OpBuilder &b, Location loc, Value t, Value p, ValueRange out) {
    Value zero = arith::ConstantIntOp::create(b, loc, i32, 0), nowhere = arith::ConstantIntOp::create(b, loc, i32, -1);
    Value node = tensor::ExtractOp::create(b, loc, parent.first, ValueRange{t, p});
    Value parentWeight = emitToF32(b, loc, tensor::ExtractOp::create(b, loc, parent.second, ValueRange{t, p}));
    Value isThere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, node, zero);
    // A node that was dropped is looked at as node 0, so that there are logits to read, and has no children.
    Value known = arith::SelectOp::create(b, loc, isThere, node, zero);
    Value base = arith::MulIOp::create(b, loc, arith::IndexCastOp::create(b, loc, b.getIndexType(), known),
                                       emitIndex(b, loc, children));
    SmallVector<OpFoldResult> offsets{t, base}, sizes{b.getIndexAttr(1), b.getIndexAttr(children)},
        strides(2, b.getIndexAttr(1));
    Value row = tensor::ExtractSliceOp::create(b, loc, rowType, logits, offsets, sizes, strides);
    // In f32, so that the product of the weights is rounded once.
    EmittedRoute chosen = emit(b, loc, spec, row, /*bias=*/Value(), tensor::EmptyOp::create(b, loc, {1, count}, i32),
                               tensor::EmptyOp::create(b, loc, {1, count}, b.getF32Type()));
    Value first = arith::MulIOp::create(b, loc, p, emitIndex(b, loc, count));
    return emitLoop(b, loc, count, out, [&](OpBuilder &b, Location loc, Value j, ValueRange out) {
      Value slot = arith::AddIOp::create(b, loc, first, j), top = emitIndex(b, loc, 0);
      Value child = tensor::ExtractOp::create(b, loc, chosen.first, ValueRange{top, j});
      Value expert = arith::AddIOp::create(b, loc, child, arith::IndexCastOp::create(b, loc, i32, base));
      Value id = arith::SelectOp::create(b, loc, isThere, expert, nowhere);
      Value factor = tensor::ExtractOp::create(b, loc, chosen.second, ValueRange{top, j});
      Value weight = emitFromF32(b, loc, arith::MulFOp::create(b, loc, parentWeight, factor), weightType);
      return SmallVector<Value>{tensor::InsertOp::create(b, loc, id, out[0], ValueRange{t, slot}),
                                tensor::InsertOp::create(b, loc, weight, out[1], ValueRange{t, slot})};
    });
  };
  Value rows = tensor::DimOp::create(b, loc, parent.first, 0);
  auto results =
      emitLoop(b, loc, rows, {idsInit, weightsInit}, [&](OpBuilder &b, Location loc, Value t, ValueRange out) {
        return emitLoop(b, loc, parents, out,
                        [&](OpBuilder &b, Location loc, Value p, ValueRange out) { return within(b, loc, t, p, out); });
      });
  return {results[0], results[1]};
}
