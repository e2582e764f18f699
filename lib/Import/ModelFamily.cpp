// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The registry of model families. The built-in ones are those of the build list, which CMake turns into Families.inc.
#include "moe/Import/ModelFamily.h"

#include <algorithm>
#include <numeric>

namespace moe {
#define MOE_FAMILY(Name) std::unique_ptr<ModelFamily> create##Name##Family();
#include "Families.inc"
#undef MOE_FAMILY
} // namespace moe

using namespace moe;

const FamilyRegistry &FamilyRegistry::builtIn() {
  static const FamilyRegistry registry = [] {
    FamilyRegistry result;
#define MOE_FAMILY(Name) result.add(create##Name##Family());
#include "Families.inc"
#undef MOE_FAMILY
    return result;
  }();
  return registry;
}

void FamilyRegistry::add(std::unique_ptr<ModelFamily> family) { families.push_back(std::move(family)); }

const ModelFamily *FamilyRegistry::find(std::string_view modelType) const {
  for (const auto &family : families)
    for (std::string_view name : family->names())
      if (name == modelType)
        return family.get();
  return nullptr;
}

/// Levenshtein distance, one row of the table at a time.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string FamilyRegistry::nearest(std::string_view modelType) const {
  // A name of any length may come from outside; its beginning is enough to find a neighbour.
  modelType = modelType.substr(0, 100);
  std::string best;
  size_t bestDistance = SIZE_MAX;
  for (const std::string &name : names())
    if (size_t distance = editDistance(modelType, name); distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  return best;
}

std::vector<std::string> FamilyRegistry::names() const {
  std::vector<std::string> result;
  for (const auto &family : families)
    for (std::string_view name : family->names())
      result.emplace_back(name);
  std::sort(result.begin(), result.end());
  return result;
}

std::string moe::listArchitecturesText(const FamilyRegistry &registry) {
  std::vector<std::string> names = registry.names();
  size_t width = 0;
  for (const std::string &name : names)
    width = std::max(width, name.size());
  std::string text;
  for (const std::string &name : names)
    text += name + std::string(width - name.size() + 2, ' ') + std::string(registry.find(name)->summary()) + "\n";
  return text;
}
