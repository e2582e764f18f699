// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DenseExperts.h - what computes all experts for all rows, as the body of one expert -------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_DENSEEXPERTS_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_DENSEEXPERTS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {

/// Which dimensions of a dense tensor are the expert's and the row's.
struct DenseLayout {
  unsigned expert, row;
  bool operator==(const DenseLayout &other) const { return expert == other.expert && row == other.row; }
};

/// The ops between the rows [T, D] and weights [E, ...] of a layer and what its experts give for every row, in any
/// order of dimensions.
class DenseExperts {
public:
  /// Follows `outputs` back to rows and weights. `consumers` may use what is found, nothing else may.
  DenseExperts(Value outputs, DenseLayout layout, llvm::SetVector<Operation *> consumers);

  /// Why these are no experts of rows, or nothing if they are; and the op that this is about.
  std::optional<std::string> reason;
  Operation *culprit;

  ArrayRef<Value> getRows() const { return rows.getArrayRef(); }
  ArrayRef<Value> getWeights() const { return weights.getArrayRef(); }

  /// Fills the empty region of `experts`, whose operands are rows and weights, with one expert's ops.
  void buildBody(OpBuilder &b, ExpertsOp experts) const;

  /// Says of sizes that are asked of dense tensors that they are those of rows.
  void replaceSizes(RewriterBase &b) const;

private:
  bool fail(Operation *op, const Twine &why);
  bool addDense(Value tensor, DenseLayout layout);
  bool addStructured(linalg::LinalgOp op, DenseLayout layout);
  bool addOperand(Operation *user, Value operand, std::optional<unsigned> expert, std::optional<unsigned> row);
  bool checkUsers(const llvm::SetVector<Operation *> &consumers);
  void buildOp(OpBuilder &b, Operation *op, Value numRows, IRMapping &mapping) const;

  llvm::MapVector<Value, DenseLayout> dense;
  llvm::SetVector<Value> rows, weights;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_DENSEEXPERTS_H
