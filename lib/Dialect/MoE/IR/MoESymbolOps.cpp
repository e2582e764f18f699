// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoESymbolOps.cpp - moe.weight and moe.layer --------------------------------------------------------===//

#include "OpFormat.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::moe;

//===-- moe.weight ------------------------------------------------------------------------------------------===//

bool WeightOp::isVector() {
  int64_t rank = cast<RankedTensorType>(getType()).getRank();
  bool ofColumns = getPart() && getPart()->getKind() == PartOf::Columns;
  return rank == 1 || (rank == 2 && (ofColumns || getSource().contains("{e}")));
}

int64_t WeightOp::getNumExperts() {
  auto type = cast<RankedTensorType>(getType());
  return type.getRank() == 3 || (type.getRank() == 2 && isVector()) ? type.getDimSize(0) : 1;
}

/// Whether `ranges` are begin and end of ranges below `size`, none empty, in ascending order.
static bool areRanges(ArrayRef<int64_t> ranges, int64_t size) {
  if (ranges.size() % 2 != 0 || (!ranges.empty() && (ranges.front() < 0 || ranges.back() > size)))
    return false;
  for (size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i] <= ranges[i - 1])
      return false;
  return true;
}

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape() || type.getRank() < 1 || type.getRank() > 3 ||
      !isa<FloatType>(type.getElementType())) // C1
    return emitOpError("expects a static tensor of floats of rank 1, 2 or 3, got ") << getType();
  size_t places = getSource().count("{e}");
  if (places > 1 || (places == 1 && type.getRank() == 1)) // C2
    return emitOpError("expects {e} at most once, and not in the name of a weight of rank 1, got \"")
           << getSource() << "\"";
  if (getUnused() && !areRanges(*getUnused(), getNumExperts())) // C6
    return emitOpError("expects unused experts as ascending ranges within the ")
           << getNumExperts() << " experts of " << type << ", got [" << *getUnused() << "]";
  std::optional<PartAttr> part = getPart();
  bool rows = part && part->getKind() == PartOf::Rows, columns = part && !rows;
  if (getTransposed() && isVector()) // C3
    return emitOpError("expects only matrices to be transposed, got vectors of ") << getType();
  if (getFormat() && (isVector() || !type.getElementType().isF32())) // C7
    return emitOpError("expects matrices of f32 where there is a format, got ") << getType();
  if (!part)
    return success();
  if ((rows && isVector()) || (columns && !isVector())) // C4
    return emitOpError("expects a part of rows for matrices and of columns for vectors, got ")
           << *part << " of " << type;
  int64_t taken = type.getDimSize(type.getRank() - (rows ? 2 : 1));
  // Compared by division: products of any 64-bit numbers may overflow.
  if (taken > 0 && (part->getTotal() - 1 - part->getBegin()) / part->getStep() < taken - 1) // C5
    return emitOpError("expects the ") << taken << " entries of " << *part << " to be among the " << part->getTotal()
                                       << " stored";
  return success();
}

//===-- moe.layer -------------------------------------------------------------------------------------------===//

ParseResult mlir::moe::parseSymbolList(OpAsmParser &parser, ArrayAttr &symbols) {
  SmallVector<Attribute> list;
  auto parseSymbol = [&]() -> ParseResult {
    FlatSymbolRefAttr symbol;
    if (parser.parseAttribute(symbol))
      return failure();
    list.push_back(symbol);
    return success();
  };
  SMLoc loc = parser.getCurrentLocation();
  if (failed(parser.parseOptionalRParen())) {
    if (parser.parseCommaSeparatedList(parseSymbol))
      return failure();
    symbols = parser.getBuilder().getArrayAttr(list);
    return success();
  }
  return parser.emitError(loc, "expects at least one weight");
}

void mlir::moe::printSymbolList(OpAsmPrinter &printer, Operation *, ArrayAttr symbols) {
  llvm::interleaveComma(symbols, printer, [&](Attribute symbol) { printer.printAttribute(symbol); });
}

LogicalResult LayerOp::verify() {
  auto block = static_cast<int64_t>(getBlock());
  if (block < 0) // C5
    return emitOpError("expects block >= 0, got ") << block;
  return success();
}

LogicalResult LayerOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getKernelAttr());
  if (!kernel) // C1
    return emitOpError("expects a function, but ") << getKernelAttr() << " is none of this module";
  if (ArrayAttr variants = getVariantsAttr()) { // C6
    if (!llvm::is_contained(variants, getKernelAttr()))
      return emitOpError("expects ") << getKernelAttr() << " among the variants " << variants;
    for (auto name : variants.getAsRange<FlatSymbolRefAttr>())
      if (!symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, name))
        return emitOpError("expects variants to be functions, but ") << name << " is none of this module";
  }
  SmallVector<Type> types;
  SmallVector<StringAttr> formats;
  for (auto name : getWeights().getAsRange<FlatSymbolRefAttr>()) {
    auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(*this, name);
    if (!weight) // C2
      return emitOpError("expects weights, but ") << name << " is no moe.weight of this module";
    types.push_back(weight.getType());
    formats.push_back(weight.getFormatAttr());
  }
  ArrayRef<Type> arguments = kernel.getArgumentTypes();
  bool packed = false;
  for (unsigned i = 0, n = kernel.getNumArguments(); i != n; ++i)
    packed |= kernel.getArgAttr(i, kPackingAttr) != nullptr;
  if (packed) // From here on the packing attributes say which weights an argument holds.
    return success();
  if (arguments.size() <= types.size()) // C3
    return emitOpError("expects a kernel of at least one input and ")
           << types.size() << " weights, got " << kernel.getFunctionType();
  size_t inputs = arguments.size() - types.size();
  for (Type argument : arguments.take_front(inputs))
    if (auto rows = dyn_cast<RankedTensorType>(argument); !rows || rows.getRank() != 2) // C3
      return emitOpError("expects inputs to be tensors of rows, got ") << argument;
  for (auto [index, argument, weight] : llvm::enumerate(arguments.drop_front(inputs), types))
    if (argument != weight) // C4
      return emitOpError("expects weight ") << index << " of type " << argument << ", got " << weight;
  for (auto [index, format] : llvm::enumerate(formats)) {
    auto expected = kernel.getArgAttrOfType<StringAttr>(inputs + index, kFormatAttr);
    if (expected != format) // C7
      return emitOpError("expects weight ")
             << index << " in the format " << (expected ? expected.getValue() : "of its type") << ", got "
             << (format ? format.getValue() : "of its type");
  }
  return success();
}

unsigned mlir::moe::countInputs(Operation *kernel) {
  auto function = cast<FunctionOpInterface>(kernel);
  unsigned arguments = 0;
  for (unsigned i = 0, n = function.getNumArguments(); i != n; ++i)
    arguments += !function.getArgAttr(i, kPackingAttr);
  if (auto uses = SymbolTable::getSymbolUses(kernel, kernel->getParentOp()))
    for (const SymbolTable::SymbolUse &use : *uses)
      if (auto layer = dyn_cast<LayerOp>(use.getUser()))
        return arguments - layer.getWeights().size();
  return 1;
}
