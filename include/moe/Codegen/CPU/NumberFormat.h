// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- NumberFormat.h - how a panel of weights is packed and brought to registers -------------------------===//
//
// A number format is one file in lib/Codegen/CPU/Formats and one line in a build list; a quantised one has a second
// file in lib/Runtime/CPU/Formats, which packs what this one reads. Machine levels, tile kernels and epilogues know
// nothing of it. docs/adding-a-number-format.md leads through both.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_CODEGEN_CPU_NUMBERFORMAT_H
#define MOE_CODEGEN_CPU_NUMBERFORMAT_H

#include "moe/Codegen/CPU/MachineLevel.h"

#include "llvm/Support/MathExtras.h"

#include <optional>

namespace mlir::moe {

/// The panel that one product reads of one expert: `columns` columns of each of `matrices` matrices.
struct PanelShape {
  int64_t matrices, columns;
  int64_t reduction; ///< K
  int64_t kGroup;    ///< of the tile kernel that reads it

  int64_t groups() const { return static_cast<int64_t>(llvm::divideCeil(reduction, kGroup)); }
};

/// What one vector of a panel covers: `lanes` columns of a matrix, from `column` on.
struct PanelColumns {
  int64_t matrix, column, lanes;
};

class NumberFormat {
public:
  virtual ~NumberFormat() = default;

  /// Name on the command line, in IR and in libraries: "bf16", "int4:g32".
  virtual StringRef name() const = 0;
  /// The type whose values these are; null for a quantised format, which tensors hold as f32.
  virtual Type elementType(MLIRContext *) const { return {}; }
  /// The element type of the vectors that `readWeights` gives: what a tile kernel multiplies.
  virtual Type operandType(MLIRContext *context) const { return Float32Type::get(context); }

  /// Bytes of a panel.
  virtual int64_t panelBytes(const PanelShape &shape) const = 0;
  /// A panel as a kernel sees it; by default its bytes.
  virtual RankedTensorType panelType(MLIRContext *context, const PanelShape &shape) const {
    return RankedTensorType::get({panelBytes(shape)}, IntegerType::get(context, 8));
  }

  /// How many groups of kGroup elements one read brings; kGroup is 1 where it is more than one.
  virtual int64_t groupsPerRead() const { return 1; }
  /// Emits read `read` (an index, counted along the reduction): for each of its groups a flat vector of lanes x kGroup
  /// elements of operandType, the elements of a group side by side in each lane.
  virtual SmallVector<Value> readWeights(OpBuilder &b, Location loc, const PanelShape &shape, Value panel, Value read,
                                         const PanelColumns &columns) const = 0;

  /// Where every value is a whole multiple of its scale: what is added to that multiple to store it as a byte without a
  /// sign. Products of such weights by rows of bytes are sums of integers (see TileKernels/DotBytesTile.h).
  virtual std::optional<int64_t> codeOffset() const { return std::nullopt; }
  /// Where that differs from column to column and block to block: emits a vector of i32 that codeOffset is multiplied
  /// by in block `block` (an index). Null where it does not.
  virtual Value readZeroPoints(OpBuilder &, Location, const PanelShape &, Value, Value, const PanelColumns &) const {
    return {};
  }
  /// Emits read `read` of block `block` (indices, counted along the reduction; one block where a scale is of the whole
  /// reduction) as codes: for each of `codeGroupsPerRead` groups a flat vector of lanes x kGroup bytes.
  virtual SmallVector<Value> readCodes(OpBuilder &, Location, const PanelShape &, Value, Value, Value,
                                       const PanelColumns &) const {
    return {};
  }
  virtual int64_t codeGroupsPerRead() const { return groupsPerRead(); }

  static constexpr int64_t kNoScale = 0, kWholeReduction = -1;
  /// How many elements of the reduction share a scale, a multiple of what a read brings. A scale of the whole reduction
  /// is applied once, to the sums: s * sum(x * q) is sum(x * (s * q)). One of a part is applied to what was read.
  virtual int64_t scaleBlock() const { return kNoScale; }
  /// Emits the scales of these columns in block `block` of the reduction (an index): a vector of f32.
  virtual Value readScale(OpBuilder &, Location, const PanelShape &, Value, Value, const PanelColumns &) const {
    return {};
  }
};

/// Every format of this build, in the order of the build list.
ArrayRef<const NumberFormat *> numberFormats();
/// The format called `name`, or null.
const NumberFormat *findNumberFormat(StringRef name);
/// Their names in a sentence: "f32, bf16 or int8".
std::string numberFormatNames();

/// The longest reduction whose sums of products of two signed bytes fit an i32.
constexpr int64_t kLongestByteReduction = INT64_C(1) << 17;

/// The format of a kernel's weight: what the argument says (moe.format), else that of its element type. Null when this
/// build has no such format.
const NumberFormat *numberFormatOf(Value weight);

/// How a level multiplies rows of this type by weights of this format. Rows `rounded` to bytes, `reduction` long, are
/// multiplied as bytes where the level and the format can.
inline const TileKernel &tileKernelFor(const MachineLevel &level, Type rowElement, const NumberFormat &format,
                                       int64_t matrices, bool rounded, int64_t reduction) {
  const TileKernel *bytes = rounded && format.codeOffset() && reduction <= kLongestByteReduction
                                ? level.byteKernel(format, matrices)
                                : nullptr;
  if (bytes)
    return *bytes;
  return level.tileKernel(rowElement, format.operandType(rowElement.getContext()), matrices);
}

} // namespace mlir::moe

#endif // MOE_CODEGEN_CPU_NUMBERFORMAT_H
