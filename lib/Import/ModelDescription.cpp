// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derived facts of a description: tensor names and shapes, costs.
#include "moe/Import/ModelDescription.h"

using namespace moe;

std::string WeightDescription::tensorName(int64_t expert) const {
  std::string name = source;
  if (size_t at = name.find("{e}"); at != std::string::npos)
    name.replace(at, 3, std::to_string(expert));
  return name;
}

std::vector<int64_t> WeightDescription::storedShape() const {
  std::vector<int64_t> stored = shape;
  if (perExpert())
    stored.erase(stored.begin());
  size_t rank = stored.size();
  stored[rank - (isVector() ? 1 : 2)] = storedRows();
  if (transposed)
    std::swap(stored[rank - 2], stored[rank - 1]);
  if (below && rank == 3)
    return {stored[0] * stored[1], stored[2]};
  return stored;
}

int64_t WeightDescription::elements() const {
  int64_t product = 1;
  for (int64_t size : shape)
    if (__builtin_mul_overflow(product, size, &product))
      return INT64_MAX;
  return product;
}

static void append(std::vector<const WeightDescription *> &list, const std::optional<WeightDescription> &weight) {
  if (weight)
    list.push_back(&*weight);
}

static void append(std::vector<const WeightDescription *> &list, const FeedForwardDescription &body) {
  std::vector<const WeightDescription *> more = body.weights();
  list.insert(list.end(), more.begin(), more.end());
}

std::vector<const WeightDescription *> FeedForwardDescription::weights() const {
  std::vector<const WeightDescription *> list;
  append(list, gate);
  list.push_back(&up);
  list.push_back(&down);
  for (const auto *bias : {&gateBias, &upBias, &downBias})
    append(list, *bias);
  return list;
}

std::vector<const WeightDescription *> BlockDescription::weights() const {
  std::vector<const WeightDescription *> list = {&router.weight};
  append(list, router.bias);
  append(list, router.selectionBias);
  append(list, body);
  for (const SharedExpertDescription &expert : shared) {
    append(list, expert.body);
    append(list, expert.gate);
  }
  return list;
}

std::string moe::formatName(DType dtype) {
  std::string name(dtypeName(dtype));
  for (char &c : name)
    c = char(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return name;
}

std::optional<DType> moe::formatFromName(std::string_view name) {
  for (DType dtype : {DType::F32, DType::BF16, DType::F16})
    if (formatName(dtype) == name)
      return dtype;
  return std::nullopt;
}

std::string_view moe::activationName(Activation activation) {
  switch (activation) {
  case Activation::Silu:
    return "silu";
  case Activation::Gelu:
    return "gelu";
  case Activation::GeluTanh:
    return "gelu_tanh";
  case Activation::Relu:
    return "relu";
  case Activation::Relu2:
    return "relu2";
  }
  return "";
}

/// Costs are for people; a model too large to count is shown as the largest number there is.
static int64_t saturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
static int64_t saturatingMul(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

BlockCost moe::costOf(const BlockDescription &block, DType dtype) {
  BlockCost cost = {0, 0, 0};
  int64_t size = int64_t(dtypeSize(dtype));
  auto add = [&](const WeightDescription &weight, int64_t elementSize, int64_t all, int64_t used) {
    int64_t elements = weight.elements();
    cost.weightBytes = saturatingAdd(cost.weightBytes, saturatingMul(elements, elementSize));
    int64_t active = elements == INT64_MAX ? INT64_MAX : elements / all * used;
    cost.activeBytes = saturatingAdd(cost.activeBytes, saturatingMul(active, elementSize));
    // A multiplication and an addition for each element of a matrix; biases are additions.
    bool isMatrix = !weight.isVector();
    cost.flops = saturatingAdd(cost.flops, saturatingMul(active, isMatrix ? 2 : 1));
  };
  auto addBody = [&](const FeedForwardDescription &body, int64_t all, int64_t used) {
    for (const WeightDescription *weight : body.weights())
      add(*weight, size, all, used);
  };
  int64_t routerSize = block.router.parameters == Precision::F32 ? 4 : size;
  add(block.router.weight, routerSize, 1, 1);
  if (block.router.bias)
    add(*block.router.bias, routerSize, 1, 1);
  if (block.router.selectionBias)
    add(*block.router.selectionBias, block.router.choice == Precision::F32 ? 4 : size, 1, 1);
  addBody(block.body, block.experts, block.topK);
  for (const SharedExpertDescription &expert : block.shared) {
    addBody(expert.body, 1, 1);
    if (expert.gate)
      add(*expert.gate, size, 1, 1);
  }
  return cost;
}
