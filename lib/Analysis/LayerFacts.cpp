// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- LayerFacts.cpp - what quantities are computed from: a layer of the model form, read once ------------===//

#include "moe/Analysis/LayerFacts.h"

#include "moe/Analysis/Quantity.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::moe;

//===-- Products --------------------------------------------------------------------------------------------===//

static double elementsOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return 1;
  double elements = 1;
  for (int64_t size : tensor.getShape())
    elements *= ShapedType::isDynamic(size) ? 1 : double(size);
  return elements;
}

/// FLOPs of one op on one row: 0 for what is no product.
static double flopsOf(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op)) {
    double flops = 0;
    for (Value matrix : linear.getMatrices())
      flops += 2 * elementsOf(matrix.getType());
    return flops;
  }
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || structured.getNumReductionLoops() == 0)
    return 0;
  double points = 1; // of which rows, of unknown number, count once
  for (int64_t size : structured.getStaticLoopRanges())
    points *= ShapedType::isDynamic(size) ? 1 : double(size);
  return 2 * points;
}

double mlir::moe::productFlops(Region &region) {
  double flops = 0;
  for (Operation &op : region.getOps())
    if (!isa<ExpertsOp, ScoreOpInterface>(op))
      flops += flopsOf(&op);
  return flops;
}

int64_t mlir::moe::productDepth(Block &block) {
  DenseMap<Value, int64_t> depth;
  int64_t longest = 0;
  for (Operation &op : block) {
    int64_t before = 0;
    for (Value operand : op.getOperands())
      before = std::max(before, depth.lookup(operand));
    int64_t here = before + (flopsOf(&op) > 0 ? 1 : 0);
    for (Value result : op.getResults())
      depth[result] = here;
    longest = std::max(longest, here);
  }
  return longest;
}

/// Columns of the first product of an expert's body: its hidden neurons.
static int64_t firstColumns(Block &block) {
  for (Operation &op : block)
    if (flopsOf(&op) > 0)
      if (auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType()); type && type.getRank() == 2)
        return type.getDimSize(1);
  return 0;
}

//===-- Storage ---------------------------------------------------------------------------------------------===//

static Storage storageOf(Value weight) {
  double elements = elementsOf(weight.getType());
  unsigned bits = getElementTypeOrSelf(weight.getType()).getIntOrFloatBitWidth();
  return {elements, elements * bits / 8};
}

namespace {

/// Every weight of a layer once, with the share of it that a row needs.
class WeightLedger {
public:
  void use(Value weight, double share) {
    double &known = shares[weight];
    known = std::min(1.0, known + share);
  }
  Storage total() const {
    return sum([](double) { return 1.0; });
  }
  Storage active() const {
    return sum([](double share) { return share; });
  }
  bool has(Value weight) const { return shares.contains(weight); }

private:
  Storage sum(function_ref<double(double)> factor) const {
    Storage storage;
    for (auto [weight, share] : shares)
      storage += storageOf(weight) * factor(share);
    return storage;
  }
  llvm::MapVector<Value, double> shares;
};

//===-- Routings --------------------------------------------------------------------------------------------===//

/// The score that logits come from, with what may lie between.
ScoreOpInterface findScore(Value logits) {
  while (Operation *op = logits.getDefiningOp()) {
    if (auto score = dyn_cast<ScoreOpInterface>(op))
      return score;
    if (!isa<MapOp, tensor::CastOp, tensor::ExtractSliceOp>(op))
      break;
    logits = op->getOperand(0);
  }
  return {};
}

/// Features in which the ranking of logits by `selection` is linear. `hasBias`: a bias is added for the comparison.
int64_t featuresOf(Value logits, SelectAttrInterface selection, bool hasBias) {
  auto score = logits.getDefiningOp<ScoreOpInterface>();
  if (!score || selection.getNumGroups() != 1 || score.getRankingFeatures() == 0)
    return 0;
  // A bias is one more feature, the same for all rows; that of the score may be there already.
  int64_t width = cast<RankedTensorType>(score.getScoredRows().getType()).getDimSize(1);
  return std::max(score.getRankingFeatures(), hasBias ? width + 1 : 0);
}

int64_t featuresOf(RouteOp route) {
  bool comparesLogits = route.getRank() == Rank::Logits || (route.getScoreFunction().isMonotone() && !route.getBias());
  return comparesLogits ? featuresOf(route.getLogits(), route.getSelection(), route.getBias() != nullptr) : 0;
}

/// The operands of a score that are no rows: weights.
SmallVector<Value> weightsOf(ScoreOpInterface score) {
  return llvm::filter_to_vector(score->getOperands(), [&](Value v) { return v != score.getScoredRows(); });
}

void readScore(RouterLevel &level, Value logits) {
  level.score = findScore(logits);
  if (!level.score)
    return;
  double columns = elementsOf(level.score.getLogits().getType());
  for (Value weight : weightsOf(level.score)) {
    level.nodeStorage += storageOf(weight) * (1 / columns);
    if (cast<RankedTensorType>(weight.getType()).getRank() > 1)
      level.nodeFlops += 2 * elementsOf(weight.getType()) / columns;
  }
}

/// The levels from the root on.
void readLevels(Value routing, RoutingFacts &facts) {
  Operation *op = routing.getDefiningOp();
  RouterLevel level;
  level.op = op;
  level.nodes = cast<RoutingType>(routing.getType()).getExperts();
  if (auto within = dyn_cast_if_present<RouteWithinOp>(op)) {
    readLevels(within.getParent(), facts);
    RoutingType parent = within.getParent().getType();
    level.branching = level.nodes / parent.getExperts();
    level.selected = within.getSelection().getCount(level.branching);
    level.visited = parent.getCount() * level.branching;
    level.groups = within.getSelection().getNumGroups();
    level.features = featuresOf(within.getLogits(), within.getSelection(), false);
    readScore(level, within.getLogits());
  } else if (auto route = dyn_cast_if_present<RouteOp>(op)) {
    level.branching = level.visited = level.nodes;
    level.selected = route.getSelection().getCount(level.nodes);
    facts.window = route.getSelection().getWindow();
    facts.capacity = route.getSelection().getCapacity();
    level.groups = route.getSelection().getNumGroups();
    level.features = featuresOf(route);
    readScore(level, route.getLogits());
  } else {
    level.branching = level.nodes;
    level.selected = cast<RoutingType>(routing.getType()).getCount();
  }
  if (level.score)
    facts.width = cast<RankedTensorType>(level.score.getScoredRows().getType()).getDimSize(1);
  facts.levels.push_back(level);
}

Value wholeOf(Value routing) {
  while (auto narrow = routing.getDefiningOp<NarrowRoutingOp>())
    routing = narrow.getWhole();
  return routing;
}

ExpertsFacts readExperts(ExpertsOp op) {
  ExpertsFacts facts;
  facts.op = op;
  facts.experts = op.getResult().getType().getExperts();
  for (Value weight : op.getWeights())
    facts.expertStorage += storageOf(weight) * (1 / double(facts.experts));
  facts.rowFlops = productFlops(op.getBody());
  facts.depth = productDepth(op.getBody().front());
  facts.neurons = firstColumns(op.getBody().front());
  return facts;
}

//===-- Layers ----------------------------------------------------------------------------------------------===//

void readRoutings(func::FuncOp kernel, LayerFacts &layer) {
  llvm::MapVector<Value, RoutingFacts> routings;
  kernel.walk([&](ExpertsOp experts) {
    auto dispatch = experts.getRows()[0].getDefiningOp<DispatchOp>();
    if (!dispatch)
      return;
    auto [entry, isNew] = routings.try_emplace(wholeOf(dispatch.getRouting()));
    RoutingFacts &facts = entry->second;
    if (isNew) {
      auto type = cast<RoutingType>(entry->first.getType());
      facts.op = entry->first.getDefiningOp() ? entry->first.getDefiningOp() : dispatch.getOperation();
      facts.experts = type.getExperts();
      facts.selected = type.getCount();
      facts.axis = type.getAxis();
      facts.width = dispatch.getRows().getType().getDimSize(1);
      readLevels(entry->first, facts);
    }
    facts.parts.push_back(readExperts(experts));
  });
  for (auto &[routing, facts] : routings)
    layer.routings.push_back(std::move(facts));
}

/// Constants and arguments that are no inputs.
bool isWeight(Value value, func::FuncOp kernel, unsigned inputs) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || !isa<FloatType>(type.getElementType()))
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &kernel.getBody().front() && argument.getArgNumber() >= inputs;
  return value.getDefiningOp()->hasTrait<OpTrait::ConstantLike>();
}

void readStorage(func::FuncOp kernel, LayerFacts &layer) {
  WeightLedger ledger;
  for (RoutingFacts &routing : layer.routings) {
    for (RouterLevel &level : routing.levels)
      if (level.score)
        for (Value weight : weightsOf(level.score))
          ledger.use(weight, double(level.visited) / elementsOf(level.score.getLogits().getType()));
    for (ExpertsFacts &part : routing.parts)
      for (Value weight : part.op.getWeights())
        ledger.use(weight, double(routing.activeExperts(part)) / double(part.experts));
  }
  unsigned inputs = countInputs(kernel);
  WeightLedger dense;
  kernel.walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (isWeight(operand, kernel, inputs) && !ledger.has(operand))
        dense.use(operand, 1);
  });
  layer.dense = dense.total();
  layer.total = ledger.total();
  layer.total += layer.dense;
  layer.active = ledger.active();
  layer.active += layer.dense;
}

LayerFacts readLayer(Operation *op, func::FuncOp kernel, StringRef name) {
  LayerFacts layer;
  layer.name = name.str();
  layer.kernel = kernel.getSymName().str();
  layer.op = op;
  layer.assumptions = Assumptions(op->getAttrOfType<DictionaryAttr>(kAssumeAttr));
  readRoutings(kernel, layer);
  readStorage(kernel, layer);
  layer.denseFlops = productFlops(kernel.getBody());
  return layer;
}

} // namespace

FailureOr<std::vector<LayerFacts>> mlir::moe::readLayers(ModuleOp module) {
  std::vector<AssumptionSpec> specs = allAssumptions();
  std::vector<LayerFacts> layers;
  llvm::StringSet<> kernels;
  for (LayerOp layer : module.getOps<LayerOp>()) {
    auto kernel = module.lookupSymbol<func::FuncOp>(layer.getKernel());
    if (failed(Assumptions::verify(layer, specs)))
      return failure();
    kernels.insert(layer.getKernel());
    if (!kernel || kernel.isExternal())
      continue;
    layers.push_back(readLayer(layer, kernel, layer.getSymName()));
    layers.back().block = layer.getBlock();
  }
  for (auto function : module.getOps<func::FuncOp>()) {
    if (kernels.contains(function.getSymName()) || function.isExternal())
      continue;
    if (failed(Assumptions::verify(function, specs)))
      return failure();
    LayerFacts layer = readLayer(function, function, function.getSymName());
    if (!layer.routings.empty())
      layers.push_back(std::move(layer));
  }
  return layers;
}
