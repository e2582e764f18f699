// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TileKernel.cpp - what tile kernels share -----------------------------------------------------------===//

#include "moe/Codegen/CPU/TileKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

SmallVector<int64_t> TileKernel::tileRowsFor(int64_t) const { return llvm::to_vector(tileRows()); }

Value TileOperands::sourceRow(OpBuilder &b, Location loc, Value row) const {
  Value sorted = arith::AddIOp::create(b, loc, firstRow, row);
  return tokens ? tensor::ExtractOp::create(b, loc, tokens, ValueRange(sorted)).getResult() : sorted;
}
