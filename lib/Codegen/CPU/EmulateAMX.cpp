// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmulateAMX.cpp - tile operations in software, with the numerics of the hardware --------------------===//
//
// A tile becomes one vector a row. The product follows the definition of TDPBF16PS in Intel's Software Developer's
// Manual: the even and the odd element of each pair have a sum each, in the order of the reduction, by fused multiply
// and add; then both are added to each other, and that to the accumulator. Every operation rounds to nearest even,
// takes denormals for zero and gives zero for a denormal. One case differs: a result just below the smallest normal
// number that rounds up to it is not flushed here.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EMULATEAMX
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static VectorType rowType(amx::TileType type) { return VectorType::get({type.getDimSize(1)}, type.getElementType()); }

/// Where row `row` of a tile is, whose first row is at `indices`: the rows of a tile are those of its buffer.
static SmallVector<Value> rowIndices(OpBuilder &b, Location loc, ValueRange indices, int64_t row) {
  SmallVector<Value> moved(indices);
  Value &index = moved[moved.size() - 2];
  index = arith::AddIOp::create(b, loc, index, indexConstant(b, loc, row));
  return moved;
}

/// x, or a zero of its sign where it is a denormal.
static Value flush(OpBuilder &b, Location loc, Value x) {
  auto type = cast<VectorType>(x.getType());
  auto bits = type.clone(b.getI32Type());
  auto splat = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bits, b.getI32IntegerAttr(value)));
  };
  Value word = arith::BitcastOp::create(b, loc, bits, x);
  Value exponent = arith::AndIOp::create(b, loc, word, splat(0x7f800000));
  Value tiny = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, exponent, splat(0));
  Value sign = arith::AndIOp::create(b, loc, word, splat(std::numeric_limits<int32_t>::min()));
  return arith::BitcastOp::create(b, loc, type, Value(arith::SelectOp::create(b, loc, tiny, sign, word)));
}

static Value toF32(OpBuilder &b, Location loc, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  return flush(b, loc, arith::ExtFOp::create(b, loc, type.clone(b.getF32Type()), vector));
}

namespace {

struct ExpandZero : OpConversionPattern<amx::TileZeroOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(amx::TileZeroOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    Value zero = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getZeroAttr(rowType(op.getTileType())));
    SmallVector<Value> rows(op.getTileType().getDimSize(0), zero);
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

struct ExpandLoad : OpConversionPattern<amx::TileLoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(amx::TileLoadOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    if (op.getStride())
      return rewriter.notifyMatchFailure(op, "a stride of its own");
    SmallVector<Value> rows;
    for (int64_t r = 0; r != op.getTileType().getDimSize(0); ++r)
      rows.push_back(vector::LoadOp::create(rewriter, op.getLoc(), rowType(op.getTileType()), op.getBase(),
                                            rowIndices(rewriter, op.getLoc(), op.getIndices(), r)));
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

struct ExpandStore : OpConversionPattern<amx::TileStoreOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(amx::TileStoreOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getStride())
      return rewriter.notifyMatchFailure(op, "a stride of its own");
    for (auto [r, row] : llvm::enumerate(adaptor.getVal()))
      vector::StoreOp::create(rewriter, op.getLoc(), row, op.getBase(),
                              rowIndices(rewriter, op.getLoc(), op.getIndices(), static_cast<int64_t>(r)));
    rewriter.eraseOp(op);
    return success();
  }
};

/// Buffers for the operands of products, one set a task (or a kernel, outside of one): products do not overlap.
class OperandBuffers {
public:
  /// The buffer number `operand` of products in the task of `op`.
  Value get(OpBuilder &b, Operation *op, amx::TileType type, int operand) {
    auto forall = op->getParentOfType<scf::ForallOp>();
    while (forall && forall->getParentOfType<scf::ForallOp>())
      forall = forall->getParentOfType<scf::ForallOp>();
    Block *task = forall ? forall.getBody() : &op->getParentOfType<func::FuncOp>().front();
    Value &buffer = buffers[{task, {type, operand}}];
    if (!buffer) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(task);
      buffer = memref::AllocaOp::create(b, op->getLoc(), MemRefType::get(type.getShape(), type.getElementType()),
                                        b.getI64IntegerAttr(64));
    }
    return buffer;
  }

private:
  llvm::DenseMap<std::pair<Block *, std::pair<Type, int>>, Value> buffers;
};

/// The operands of a product in memory.
struct StoredOperands {
  Value lhs, rhs, sums;    ///< buffers [rows, K], [groups, columns * K / groups], [rows, columns]
  Value zero, one, groups; ///< indices
  VectorType row;          ///< of the result
};

} // namespace

static Value storeRows(OpBuilder &b, Location loc, ValueRange rows, Value buffer) {
  Value zero = indexConstant(b, loc, 0);
  for (auto [r, row] : llvm::enumerate(rows))
    vector::StoreOp::create(b, loc, row, buffer, ValueRange{indexConstant(b, loc, static_cast<int64_t>(r)), zero});
  return buffer;
}

/// A product whose row m is what `rowSum` emits. Operands go through memory so that it is a loop: unrolled it would be
/// 512 multiplications.
template <typename OpTy, typename Adaptor>
static SmallVector<Value>
expandProduct(OpBuilder &b, OpTy op, Adaptor adaptor, OperandBuffers &buffers,
              function_ref<Value(OpBuilder &, Location, const StoredOperands &, Value m)> rowSum) {
  Location loc = op.getLoc();
  StoredOperands stored;
  stored.lhs = storeRows(b, loc, adaptor.getLhs(), buffers.get(b, op, op.getLhsTileType(), 0));
  stored.rhs = storeRows(b, loc, adaptor.getRhs(), buffers.get(b, op, op.getRhsTileType(), 1));
  stored.sums = storeRows(b, loc, adaptor.getAcc(), buffers.get(b, op, op.getTileType(), 2));
  stored.zero = indexConstant(b, loc, 0);
  stored.one = indexConstant(b, loc, 1);
  stored.groups = indexConstant(b, loc, op.getRhsTileType().getDimSize(0));
  stored.row = rowType(op.getTileType());
  int64_t count = op.getTileType().getDimSize(0);
  auto body = [&](OpBuilder &nested, Location loc, Value m, ValueRange) {
    vector::StoreOp::create(nested, loc, rowSum(nested, loc, stored, m), stored.sums, ValueRange{m, stored.zero});
    scf::YieldOp::create(nested, loc);
  };
  scf::ForOp::create(b, loc, stored.zero, indexConstant(b, loc, count), stored.one, ValueRange(), body);
  SmallVector<Value> results;
  for (int64_t r = 0; r != count; ++r)
    results.push_back(
        vector::LoadOp::create(b, loc, stored.row, stored.sums, ValueRange{indexConstant(b, loc, r), stored.zero}));
  return results;
}

namespace {

struct ExpandProduct : OpConversionPattern<amx::TileMulFOp> {
  ExpandProduct(const TypeConverter &types, MLIRContext *ctx, OperandBuffers &buffers)
      : OpConversionPattern(types, ctx), buffers(buffers) {}

  LogicalResult matchAndRewrite(amx::TileMulFOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (!op.getLhsTileType().getElementType().isBF16())
      return rewriter.notifyMatchFailure(op, "no product of bf16");
    auto rowSum = [&](OpBuilder &b, Location loc, const StoredOperands &stored, Value m) -> Value {
      Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(stored.row));
      auto pairBody = [&](OpBuilder &inner, Location loc, Value k, ValueRange partial) {
        scf::YieldOp::create(inner, loc, addPair(inner, loc, stored.lhs, stored.rhs, m, k, partial, stored.row));
      };
      auto products =
          scf::ForOp::create(b, loc, stored.zero, stored.groups, stored.one, ValueRange{none, none}, pairBody);
      Value both = arith::AddFOp::create(b, loc, products.getResult(0), products.getResult(1));
      Value old = flush(b, loc, vector::LoadOp::create(b, loc, stored.row, stored.sums, ValueRange{m, stored.zero}));
      return flush(b, loc, arith::AddFOp::create(b, loc, old, flush(b, loc, both)));
    };
    rewriter.replaceOpWithMultiple(op, {expandProduct(rewriter, op, adaptor, buffers, rowSum)});
    return success();
  }

private:
  /// The sums of even and of odd elements with pair k of row m added.
  static SmallVector<Value> addPair(OpBuilder &b, Location loc, Value lhs, Value rhs, Value m, Value k,
                                    ValueRange partial, VectorType type) {
    Value zero = indexConstant(b, loc, 0), first = arith::MulIOp::create(b, loc, k, indexConstant(b, loc, 2));
    Type bf16 = b.getBF16Type();
    Value pair = toF32(b, loc, vector::LoadOp::create(b, loc, VectorType::get({2}, bf16), lhs, ValueRange{m, first}));
    auto width = VectorType::get({2 * type.getDimSize(0)}, bf16);
    Value weights = toF32(b, loc, vector::LoadOp::create(b, loc, width, rhs, ValueRange{k, zero}));
    auto parted = vector::DeinterleaveOp::create(b, loc, weights);
    SmallVector<Value> next;
    for (auto [i, weight] : llvm::enumerate(parted.getResults())) {
      Value element = vector::ExtractOp::create(b, loc, pair, ArrayRef<int64_t>{static_cast<int64_t>(i)});
      Value all = vector::BroadcastOp::create(b, loc, type, element);
      next.push_back(flush(b, loc, vector::FMAOp::create(b, loc, all, weight, partial[i])));
    }
    return next;
  }

  OperandBuffers &buffers;
};

/// Signed rows by unsigned columns, as tdpbsud multiplies them; sums of bytes are exact in any order.
struct ExpandIntegerProduct : OpConversionPattern<amx::TileMulIOp> {
  ExpandIntegerProduct(const TypeConverter &types, MLIRContext *ctx, OperandBuffers &buffers)
      : OpConversionPattern(types, ctx), buffers(buffers) {}

  LogicalResult matchAndRewrite(amx::TileMulIOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getIsZextLhs() || !op.getIsZextRhs())
      return rewriter.notifyMatchFailure(op, "not signed rows by unsigned columns");
    auto rowSum = [&](OpBuilder &b, Location loc, const StoredOperands &stored, Value m) -> Value {
      Value sum = vector::LoadOp::create(b, loc, stored.row, stored.sums, ValueRange{m, stored.zero});
      auto body = [&](OpBuilder &inner, Location loc, Value k, ValueRange carried) {
        Value first = arith::MulIOp::create(inner, loc, k, indexConstant(inner, loc, 4));
        auto four = VectorType::get({4}, inner.getI8Type());
        Value bytes = vector::LoadOp::create(inner, loc, four, stored.lhs, ValueRange{m, first});
        Value word = vector::BitCastOp::create(inner, loc, VectorType::get({1}, inner.getI32Type()), bytes);
        Value element = vector::ExtractOp::create(inner, loc, word, ArrayRef<int64_t>{0});
        Value all = vector::BroadcastOp::create(inner, loc, stored.row, element);
        auto wide = VectorType::get({4 * stored.row.getDimSize(0)}, inner.getI8Type());
        Value codes = vector::LoadOp::create(inner, loc, wide, stored.rhs, ValueRange{k, stored.zero});
        Value row = vector::BitCastOp::create(inner, loc, wide, all);
        scf::YieldOp::create(inner, loc, Value(DotBytesOp::create(inner, loc, carried[0], codes, row)));
      };
      return scf::ForOp::create(b, loc, stored.zero, stored.groups, stored.one, ValueRange(sum), body).getResult(0);
    };
    rewriter.replaceOpWithMultiple(op, {expandProduct(rewriter, op, adaptor, buffers, rowSum)});
    return success();
  }

private:
  OperandBuffers &buffers;
};

struct EmulateAMX : moe::impl::EmulateAMXBase<EmulateAMX> {
  using EmulateAMXBase::EmulateAMXBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      const MachineLevel *machine = machineLevelOf(function, level);
      if (!machine || (machine->emulatesAMX() && failed(expand(function))))
        return signalPassFailure();
    }
  }

private:
  LogicalResult expand(func::FuncOp function) {
    TypeConverter types;
    types.addConversion([](Type type) { return type; });
    types.addConversion([](amx::TileType type, SmallVectorImpl<Type> &rows) -> std::optional<LogicalResult> {
      rows.append(type.getDimSize(0), rowType(type));
      return success();
    });
    RewritePatternSet patterns(&getContext());
    OperandBuffers buffers;
    patterns.add<ExpandZero, ExpandLoad, ExpandStore>(types, &getContext());
    patterns.add<ExpandProduct, ExpandIntegerProduct>(types, &getContext(), buffers);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalDialect<amx::AMXDialect>();
    scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
    return applyPartialConversion(function, target, std::move(patterns));
  }
};

} // namespace
