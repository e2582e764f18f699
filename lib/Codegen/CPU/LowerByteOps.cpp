// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LowerByteOps.cpp - moe.dot_bytes and moe.look_up_bytes to what a machine has -----------------------===//

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::moe {
#define GEN_PASS_DEF_LOWERBYTEOPS
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The name that LLVM gives an instruction on vectors of so many bytes, empty where there is none.
static StringRef dotIntrinsic(int64_t bytes) {
  return bytes == 64 ? "llvm.x86.avx512.vpdpbusd.512" : bytes == 32 ? "llvm.x86.avx512.vpdpbusd.256" : "";
}
static StringRef lookUpIntrinsic(int64_t bytes) {
  return bytes == 64 ? "llvm.x86.avx512.pshuf.b.512" : bytes == 32 ? "llvm.x86.avx2.pshuf.b" : "";
}

static Value callIntrinsic(OpBuilder &b, Location loc, StringRef name, Type result, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), arguments).getResult(0);
}

static Value bytesConstant(OpBuilder &b, Location loc, VectorType type, ArrayRef<int8_t> bytes) {
  SmallVector<int8_t> all;
  for (int64_t i = 0; i != type.getNumElements(); ++i)
    all.push_back(bytes[i % bytes.size()]);
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, ArrayRef(all)));
}

/// Every fourth byte from `first` on, times its partner.
static Value products(OpBuilder &b, DotBytesOp op, int64_t first) {
  Location loc = op.getLoc();
  SmallVector<int64_t> places;
  for (int64_t i = first; i < op.getCodes().getType().getNumElements(); i += 4)
    places.push_back(i);
  Value codes = vector::ShuffleOp::create(b, loc, op.getCodes(), op.getCodes(), places);
  Value row = vector::ShuffleOp::create(b, loc, op.getRow(), op.getRow(), places);
  Type wide = op.getSums().getType();
  return arith::MulIOp::create(b, loc, Value(arith::ExtUIOp::create(b, loc, wide, codes)),
                               Value(arith::ExtSIOp::create(b, loc, wide, row)));
}

static Value lower(OpBuilder &b, DotBytesOp op, bool instruction) {
  if (instruction)
    return callIntrinsic(b, op.getLoc(), dotIntrinsic(op.getCodes().getType().getNumElements()), op.getType(),
                         op->getOperands());
  Value sums = op.getSums();
  for (int64_t j = 0; j != 4; ++j)
    sums = arith::AddIOp::create(b, op.getLoc(), sums, products(b, op, j));
  return sums;
}

static Value lower(OpBuilder &b, LookUpBytesOp op, bool instruction) {
  Location loc = op.getLoc();
  VectorType type = op.getIndices().getType();
  if (instruction)
    return callIntrinsic(b, loc, lookUpIntrinsic(type.getNumElements()), type,
                         ValueRange{bytesConstant(b, loc, type, op.getTable()), op.getIndices()});
  Value result = bytesConstant(b, loc, type, op.getTable()[0]);
  for (auto [index, byte] : llvm::drop_begin(llvm::enumerate(op.getTable()))) {
    Value here = bytesConstant(b, loc, type, static_cast<int8_t>(index));
    Value chosen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, op.getIndices(), here);
    result = arith::SelectOp::create(b, loc, chosen, bytesConstant(b, loc, type, byte), result);
  }
  return result;
}

namespace {

struct LowerByteOps : moe::impl::LowerByteOpsBase<LowerByteOps> {
  using LowerByteOpsBase::LowerByteOpsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      const MachineLevel *machine = machineLevelOf(function, level);
      if (!machine)
        return signalPassFailure();
      int64_t bytes = machine->dotsBytes() ? 4 * machine->lanes() : 0;
      replaceAll<DotBytesOp>(function, bytes);
      replaceAll<LookUpBytesOp>(function, bytes);
    }
  }

private:
  /// By instructions on vectors of so many bytes, by arithmetic on others.
  template <typename OpTy>
  static void replaceAll(func::FuncOp function, int64_t bytes) {
    SmallVector<OpTy> ops;
    function.walk([&](OpTy op) { ops.push_back(op); });
    for (OpTy op : ops) {
      OpBuilder b(op);
      int64_t size = cast<VectorType>(op->getOperands().back().getType()).getNumElements();
      op.replaceAllUsesWith(lower(b, op, bytes != 0 && size == bytes));
      op.erase();
    }
  }
};

} // namespace
