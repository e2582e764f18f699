// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEAttrs.cpp - constraints of selections, score functions and renormalisation ----------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::moe;

static LogicalResult verifyCount(function_ref<InFlightDiagnostic()> emitError, int64_t k, int64_t experts) {
  if (k > experts)
    return emitError() << "expects k <= number of experts, got k = " << k << " and " << experts << " experts";
  return success();
}

// Selections are written `<k, key = value, ...>`, keys in any order and those with their default left out. TableGen's
// own optional groups cannot do that, as all of them would begin with the comma.

using Field = std::pair<StringRef, function_ref<ParseResult()>>;

static ParseResult parseFields(AsmParser &parser, ArrayRef<Field> fields) {
  while (succeeded(parser.parseOptionalComma())) {
    StringRef key;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return failure();
    const auto *field = llvm::find_if(fields, [&](const Field &f) { return f.first == key; });
    if (field == fields.end())
      return parser.emitError(loc, "unknown key ") << key;
    if (field->second())
      return failure();
  }
  return success();
}

template <typename EnumT>
static ParseResult parseEnum(AsmParser &parser, EnumT &value) {
  FailureOr<EnumT> parsed = mlir::FieldParser<EnumT>::parse(parser);
  if (succeeded(parsed))
    value = *parsed;
  return failure(failed(parsed));
}

//===-- #moe.top_k ------------------------------------------------------------------------------------------===//

Axis TopKAttr::getSelectAxis() const { return getAxis(); }
int64_t TopKAttr::getCount(int64_t) const { return getK(); }
int64_t TopKAttr::getNumGroups() const { return 1; }
bool TopKAttr::mayDrop() const { return getCapacity() != 0; }

void TopKAttr::dropUnreachable(const llvm::BitVector &lowest, llvm::BitVector &reachable) const {
  // An expert that picks rows takes some, whatever they are.
  if (getAxis() == Axis::Expert && lowest.size() - lowest.count() >= static_cast<size_t>(getK()))
    reachable.reset(lowest);
}

LogicalResult TopKAttr::verifySelect(function_ref<InFlightDiagnostic()> emitError, int64_t experts) const {
  if (getK() < 1) // C1
    return emitError() << "expects k >= 1, got k = " << getK();
  if (getAxis() == Axis::Expert && failed(verifyCount(emitError, getK(), experts))) // C2
    return failure();
  if (getWindow() != 0 && (getAxis() != Axis::Row || getWindow() < getK())) // C3
    return emitError() << "expects window only with axis = row and window >= k, got window = " << getWindow()
                       << " and k = " << getK();
  if (getCapacity() != 0 && (getAxis() != Axis::Expert || getCapacity() < 0)) // C4
    return emitError() << "expects capacity only with axis = expert and >= 0, got " << getCapacity();
  return success();
}

Attribute TopKAttr::parse(AsmParser &parser, Type) {
  int64_t k = 0, window = 0, capacity = 0;
  Axis axis = Axis::Expert;
  if (parser.parseLess() || parser.parseInteger(k) ||
      parseFields(parser, {{"axis", [&] { return parseEnum(parser, axis); }},
                           {"window", [&] { return parser.parseInteger(window); }},
                           {"capacity", [&] { return parser.parseInteger(capacity); }}}) ||
      parser.parseGreater())
    return {};
  return get(parser.getContext(), k, axis, window, capacity);
}

void TopKAttr::print(AsmPrinter &printer) const {
  printer << "<" << getK();
  if (getAxis() != Axis::Expert)
    printer << ", axis = " << getAxis();
  if (getWindow() != 0)
    printer << ", window = " << getWindow();
  if (getCapacity() != 0)
    printer << ", capacity = " << getCapacity();
  printer << ">";
}

//===-- #moe.group_top_k ------------------------------------------------------------------------------------===//

Axis GroupTopKAttr::getSelectAxis() const { return Axis::Expert; }
int64_t GroupTopKAttr::getCount(int64_t) const { return getK(); }
int64_t GroupTopKAttr::getNumGroups() const { return getGroups(); }
bool GroupTopKAttr::mayDrop() const { return false; }

void GroupTopKAttr::dropUnreachable(const llvm::BitVector &lowest, llvm::BitVector &reachable) const {
  // A mask of zero may be larger than a score.
  if (getMask() != GroupMask::NegInf)
    return;
  // Only groups whose score is a number are kept when there are enough of them; any `keep` of them may be.
  int64_t size = static_cast<int64_t>(lowest.size()) / getGroups();
  int64_t needed = getReduce() == GroupReduce::Top2Sum ? 2 : 1;
  SmallVector<int64_t> choices;
  llvm::BitVector dropped = lowest;
  for (int64_t begin = 0; begin != getGroups() * size; begin += size) {
    int64_t alive = 0;
    for (int64_t e = begin; e != begin + size; ++e)
      alive += !lowest[e];
    if (alive >= needed)
      choices.push_back(alive);
    else
      dropped.set(begin, begin + size);
  }
  llvm::sort(choices);
  if (static_cast<int64_t>(choices.size()) < getKeep())
    return;
  int64_t fewest = 0;
  for (int64_t alive : ArrayRef(choices).take_front(getKeep()))
    fewest += alive;
  if (fewest >= getK())
    reachable.reset(dropped);
}

LogicalResult GroupTopKAttr::verifySelect(function_ref<InFlightDiagnostic()> emitError, int64_t experts) const {
  if (getK() < 1) // C1
    return emitError() << "expects k >= 1, got k = " << getK();
  if (failed(verifyCount(emitError, getK(), experts))) // C1
    return failure();
  if (getGroups() < 1 || experts % getGroups() != 0) // C2
    return emitError() << "expects groups to divide the experts, got " << getGroups() << " groups and " << experts
                       << " experts";
  if (getKeep() < 1 || getKeep() > getGroups()) // C3
    return emitError() << "expects 1 <= keep <= groups, got keep = " << getKeep() << " and " << getGroups()
                       << " groups";
  int64_t groupSize = experts / getGroups();
  if (getMask() == GroupMask::NegInf && getK() > getKeep() * groupSize) // C4
    return emitError() << "expects k <= experts in the kept groups, got k = " << getK() << " and "
                       << getKeep() * groupSize << " experts";
  if (getReduce() == GroupReduce::Top2Sum && groupSize < 2) // C5
    return emitError() << "expects two experts a group for top2_sum, got " << groupSize;
  return success();
}

Attribute GroupTopKAttr::parse(AsmParser &parser, Type) {
  // No groups and no kept ones are refused by verifySelect, so both keys are needed.
  int64_t k = 0, groups = 0, keep = 0;
  GroupReduce reduce = GroupReduce::Max;
  GroupMask mask = GroupMask::NegInf;
  if (parser.parseLess() || parser.parseInteger(k) ||
      parseFields(parser, {{"groups", [&] { return parser.parseInteger(groups); }},
                           {"keep", [&] { return parser.parseInteger(keep); }},
                           {"reduce", [&] { return parseEnum(parser, reduce); }},
                           {"mask", [&] { return parseEnum(parser, mask); }}}) ||
      parser.parseGreater())
    return {};
  return get(parser.getContext(), k, groups, keep, reduce, mask);
}

void GroupTopKAttr::print(AsmPrinter &printer) const {
  printer << "<" << getK() << ", groups = " << getGroups() << ", keep = " << getKeep();
  if (getReduce() != GroupReduce::Max)
    printer << ", reduce = " << getReduce();
  if (getMask() != GroupMask::NegInf)
    printer << ", mask = " << getMask();
  printer << ">";
}

//===-- #moe.all --------------------------------------------------------------------------------------------===//

Axis AllAttr::getSelectAxis() const { return Axis::Expert; }
int64_t AllAttr::getCount(int64_t experts) const { return experts; }
int64_t AllAttr::getNumGroups() const { return 1; }
bool AllAttr::mayDrop() const { return false; }
bool AllAttr::isInOrder() const { return true; }
LogicalResult AllAttr::verifySelect(function_ref<InFlightDiagnostic()>, int64_t) const { return success(); }

//===-- #moe.part -------------------------------------------------------------------------------------------===//

LogicalResult PartAttr::verify(function_ref<InFlightDiagnostic()> emitError, PartOf, int64_t begin, int64_t step,
                               int64_t total) {
  if (begin < 0 || begin >= total) // C1
    return emitError() << "expects a part to begin in [0, " << total << "), got " << begin;
  if (step < 1 || step > total) // C2
    return emitError() << "expects a step in [1, " << total << "], got " << step;
  return success();
}

//===-- #moe.renormalize ------------------------------------------------------------------------------------===//

LogicalResult RenormalizeAttr::verify(function_ref<InFlightDiagnostic()> emitError, APFloat p, APFloat eps,
                                      APFloat min) {
  if (!(p.convertToDouble() >= 1.0)) // C1
    return emitError() << "expects p >= 1, got " << p.convertToDouble();
  if (!(eps.convertToDouble() >= 0.0)) // C2
    return emitError() << "expects eps >= 0, got " << eps.convertToDouble();
  if (!(min.convertToDouble() >= 0.0)) // C3
    return emitError() << "expects min >= 0, got " << min.convertToDouble();
  return success();
}

// `#moe.renormalize` or `#moe.renormalize<p = 2.0, eps = 1.0e-20, min = 0.1>`, keys in any order, defaults left out;
// without any key it is printed as `#moe.renormalize<>`.
Attribute RenormalizeAttr::parse(AsmParser &parser, Type) {
  double p = 1.0, eps = 0.0, min = 0.0;
  SMLoc loc = parser.getCurrentLocation();
  auto parseField = [&]() -> ParseResult {
    StringRef key;
    SMLoc keyLoc = parser.getCurrentLocation();
    double value;
    if (parser.parseKeyword(&key) || parser.parseEqual() || parser.parseFloat(value))
      return failure();
    if (key == "p")
      p = value;
    else if (key == "eps")
      eps = value;
    else if (key == "min")
      min = value;
    else
      return parser.emitError(keyLoc, "expects p, eps or min, got ") << key;
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalLessGreater, parseField))
    return {};
  return parser.getChecked<RenormalizeAttr>(loc, parser.getContext(), APFloat(p), APFloat(eps), APFloat(min));
}

void RenormalizeAttr::print(AsmPrinter &printer) const {
  Builder b(getContext());
  std::string fields;
  llvm::raw_string_ostream os(fields);
  auto field = [&](StringRef key, APFloat value, double byDefault) {
    if (value.convertToDouble() == byDefault)
      return;
    os << (fields.empty() ? "" : ", ") << key << " = ";
    b.getF64FloatAttr(value.convertToDouble()).print(os, /*elideType=*/true);
  };
  field("p", getP(), 1.0);
  field("eps", getEps(), 0.0);
  field("min", getMin(), 0.0);
  // Printing nothing at all would make an op print the attribute with its prefix, which its parser does not take.
  printer << "<" << fields << ">";
}

//===-- #moe.variant, #moe.variants -------------------------------------------------------------------------===//

LogicalResult VariantAttr::verify(function_ref<InFlightDiagnostic()> emitError, VariantKind, int64_t from,
                                  int64_t nanoseconds) {
  if (from < 0) // C1
    return emitError() << "expects a variant from 0 or more rows on, got " << from;
  if (nanoseconds < 0) // C2
    return emitError() << "expects an estimate of 0 or more nanoseconds, got " << nanoseconds;
  return success();
}

LogicalResult VariantsAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<VariantAttr> variants) {
  if (variants.empty() || variants.front().getFrom() != 0) // C1
    return emitError() << "expects at least one variant, the first from 0 rows on";
  for (size_t i = 1; i != variants.size(); ++i)
    if (variants[i].getFrom() <= variants[i - 1].getFrom()) // C2
      return emitError() << "expects each variant from more rows on than the one before, got " << variants[i].getFrom()
                         << " after " << variants[i - 1].getFrom();
  return success();
}

//===-- #moe.kernel_config ----------------------------------------------------------------------------------===//

Attribute KernelConfigAttr::parse(AsmParser &parser, Type) {
  std::string level;
  int64_t columns = 0, kGroup = 0, vector = 0, prefetch = 0, taskRows = 0;
  SmallVector<int64_t> rows;
  auto key = [&](StringRef name) -> ParseResult { return failure(parser.parseKeyword(name) || parser.parseEqual()); };
  auto row = [&] { return parser.parseInteger(rows.emplace_back()); };
  if (parser.parseLess() || key("level") || parser.parseString(&level) || parser.parseComma() || key("columns") ||
      parser.parseInteger(columns) || parser.parseComma() || key("rows") ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, row) || parser.parseComma() || key("k_group") ||
      parser.parseInteger(kGroup) || parser.parseComma() || key("vector") || parser.parseInteger(vector) ||
      parseFields(parser, {{"prefetch", [&] { return parser.parseInteger(prefetch); }},
                           {"task_rows", [&] { return parser.parseInteger(taskRows); }}}) ||
      parser.parseGreater())
    return {};
  return KernelConfigAttr::get(parser.getContext(), level, columns, rows, kGroup, vector, prefetch, taskRows);
}

void KernelConfigAttr::print(AsmPrinter &printer) const {
  printer << "<level = \"" << getLevel() << "\", columns = " << getColumns() << ", rows = [";
  llvm::interleaveComma(getRows(), printer);
  printer << "], k_group = " << getKGroup() << ", vector = " << getVector();
  if (getPrefetch() != 0)
    printer << ", prefetch = " << getPrefetch();
  if (getTaskRows() != 0)
    printer << ", task_rows = " << getTaskRows();
  printer << ">";
}
