// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- AlwaysOneExpert.cpp - a ranking that selects the same experts for all rows ---------------------------------===//

#include "Warnings.h"

#include "mlir/IR/Matchers.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;
using Kind = AssumptionSpec::Kind;

/// Numbers of a constant; of `otherwise` if the value is none.
static std::optional<SmallVector<double>> valuesOf(Value value, std::optional<SmallVector<double>> otherwise) {
  DenseFPElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return otherwise;
  return llvm::map_to_vector(constant.getValues<APFloat>(), [](APFloat v) {
    bool loses = false;
    v.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    return v.convertToDouble();
  });
}

namespace {

/// An affine ranking over a box of rows: what an expert's lead over another is at least.
struct AffineRanking {
  SmallVector<double> weights, bias, domain; // [E, n], [E] or empty, [2] or [n, 2]
  int64_t experts, width;

  double leastLead(int64_t e, int64_t other) const {
    double lead = bias.empty() ? 0 : bias[e] - bias[other];
    for (int64_t d = 0; d < width; ++d) {
      double slope = weights[e * width + d] - weights[other * width + d];
      size_t at = domain.size() == 2 ? 0 : size_t(2 * d);
      lead += std::min(slope * domain[at], slope * domain[at + 1]);
    }
    return lead;
  }
  /// A tie goes to the lower index.
  bool leads(int64_t e, int64_t other) const {
    double lead = leastLead(e, other);
    return lead > 0 || (lead == 0 && e < other);
  }
};

struct AlwaysOneExpert : Check {
  StringRef getName() const override { return "always_same_experts"; }
  ArrayRef<AssumptionSpec> getAssumptions() const override {
    static const AssumptionSpec specs[] = {
        {"domain", Kind::Numbers, "the least and the largest value of the elements of rows, or of each column in turn"},
        {"router_weights", Kind::Numbers, "the weights of an affine router, row by row, where they are no constants"},
    };
    return specs;
  }

  void check(const LayerFacts &layer, function_ref<void(Operation *, std::string)> warn) const override {
    for (const RoutingFacts &routing : layer.routings)
      for (const RouterLevel &level : routing.levels) {
        std::optional<AffineRanking> ranking = readRanking(level, layer.assumptions);
        if (!ranking)
          continue;
        SmallVector<int64_t> reached;
        for (int64_t e = 0; e < ranking->experts; ++e) {
          int64_t ahead = 0;
          for (int64_t other = 0; other < ranking->experts; ++other)
            ahead += other != e && ranking->leads(other, e);
          if (ahead < level.selected)
            reached.push_back(e);
        }
        if (static_cast<int64_t>(reached.size()) != level.selected || level.selected == ranking->experts)
          continue;
        std::string text;
        llvm::raw_string_ostream stream(text);
        stream << "every row of the domain selects " << (reached.size() == 1 ? "expert " : "experts ");
        llvm::interleaveComma(reached, stream);
        stream << (ranking->bias.empty() ? ": the ranking has no bias" : "") << ", the others are never reached";
        warn(level.op, text);
      }
  }

private:
  static std::optional<AffineRanking> readRanking(const RouterLevel &level, const Assumptions &given) {
    auto route = dyn_cast_if_present<RouteOp>(level.op);
    auto affine = route ? route.getLogits().getDefiningOp<ScoreAffineOp>() : ScoreAffineOp();
    if (!affine || level.features == 0 || route.getSelection().getSelectAxis() != Axis::Expert)
      return std::nullopt;
    std::optional<SmallVector<double>> domain = given.numbers("domain");
    std::optional<SmallVector<double>> weights = valuesOf(affine.getWeight(), given.numbers("router_weights"));
    RankedTensorType type = affine.getWeight().getType();
    AffineRanking ranking{{}, {}, {}, type.getDimSize(0), type.getDimSize(1)};
    auto size = [](int64_t n) { return static_cast<size_t>(n); };
    if (!domain || !weights || (domain->size() != 2 && domain->size() != size(2 * ranking.width)) ||
        weights->size() != size(ranking.experts * ranking.width))
      return std::nullopt;
    ranking.weights = *weights;
    ranking.domain = *domain;
    ranking.bias.assign(affine.getBias() || route.getBias() ? size(ranking.experts) : 0, 0);
    for (Value bias : {Value(affine.getBias()), Value(route.getBias())}) {
      if (!bias)
        continue;
      std::optional<SmallVector<double>> values = valuesOf(bias, std::nullopt);
      if (!values)
        return std::nullopt;
      for (auto [sum, value] : llvm::zip_equal(ranking.bias, *values))
        sum += value;
    }
    return ranking;
  }
};

} // namespace

std::unique_ptr<Check> mlir::moe::createAlwaysOneExpert() { return std::make_unique<AlwaysOneExpert>(); }
