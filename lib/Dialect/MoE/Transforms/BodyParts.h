// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BodyParts.h - what the ops of an expert body become in the grouped form ----------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_BODYPARTS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_BODYPARTS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {

enum class BodyOpKind {
  Free,     ///< takes no row: constants, sizes, what is computed from slices alone; copied where it is used
  Product,  ///< a moe.linear by slices
  Epilogue, ///< a moe.map on the accumulators of a product
  Plain,    ///< row-wise without an expert's slices: runs on the rows of all experts as it is
  Rest,     ///< part of a moe.grouped_body
};

/// One moe.grouped_body to be: its ops in order, and the values of the body that it takes and gives.
struct BodyPart {
  llvm::SetVector<Operation *> ops;
  SmallVector<Value> rows, results;
  llvm::SetVector<Value> slices;
};

/// The ops of one expert body and what they become.
class BodyParts {
public:
  explicit BodyParts(ExpertsOp experts);

  Block &getBlock() { return block; }
  BodyOpKind kindOf(Operation *op) const { return kinds.lookup(op); }

  /// Whether `value` holds data of rows.
  bool isRows(Value value) const { return rowValues.contains(value); }
  /// Whether `value` comes from outside of the body.
  bool isOutside(Value value) const;
  /// The number of the weight that `slice` is cut from.
  unsigned weightOf(Value slice) const;
  /// The rows that `op` takes, those of its regions included, without asking for their size.
  SmallVector<Value> rowOperandsOf(Operation *op) const;
  /// Rows of the body that `map` knows, to read the number of rows from.
  Value getSizeSource(const IRMapping &map) const;

  /// The product whose results are the rows that `map` takes, when `map` is their only user and its vectors are slices:
  /// then `map` can be the epilogue. Other rows of one element are scalars of it.
  LinearOp getProductUnder(MapOp map) const;
  /// The map that has to become the epilogue of `linear`, because it takes slices or several products at once. A map
  /// of one product's rows alone is left to moe-fuse-epilogue.
  MapOp getEpilogueOf(LinearOp linear) const;

  /// Why `op`, one of the rest, is no grouped product.
  StringRef reasonAgainst(Operation *op) const;

  /// Fills in what a part of given ops takes and gives. Values that no moe.grouped_body can give, as they are no rows
  /// of floats, are computed again in each part that takes them.
  void complete(BodyPart &part) const;

  static bool isVector(Value input) { return cast<RankedTensorType>(input.getType()).getRank() == 1; }

private:
  BodyOpKind classify(Operation *op);
  bool isSlice(Value value) const;
  bool isFromSlices(Value value) const { return isSlice(value) || sliceValues.contains(value); }
  bool takesFromSlices(Operation *op) const;
  bool isProduct(LinearOp linear) const;

  Block &block;
  unsigned numRows; ///< arguments of rows; the others are slices
  DenseMap<Operation *, BodyOpKind> kinds;
  llvm::SetVector<Value> rowValues; ///< data of rows
  DenseSet<Value> sliceValues;      ///< computed from slices alone
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_BODYPARTS_H
