// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LowerAddresses.cpp - moe.from_address to the LLVM dialect ------------------------------------------===//

#include "moe/Codegen/Common/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::moe {
#define GEN_PASS_DEF_LOWERADDRESSES
#include "moe/Codegen/Common/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerAddresses : moe::impl::LowerAddressesBase<LowerAddresses> {
  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    SmallVector<FromAddressOp> ops;
    getOperation()->walk([&](FromAddressOp op) { ops.push_back(op); });
    for (FromAddressOp op : ops) {
      OpBuilder b(op);
      Location loc = op.getLoc();
      auto pointer = LLVM::LLVMPointerType::get(&getContext());
      Value address = LLVM::IntToPtrOp::create(b, loc, pointer, op.getAddress());
      Value descriptor = MemRefDescriptor::fromStaticShape(b, loc, converter, op.getType(), address);
      // The conversion of the ops round it removes the cast.
      op.replaceAllUsesWith(UnrealizedConversionCastOp::create(b, loc, op.getType(), descriptor).getResult(0));
      op.erase();
    }
  }
};

} // namespace
