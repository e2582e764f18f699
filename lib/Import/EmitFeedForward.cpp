// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits a feed-forward layer as products and row maps; biases are operands of the maps.
#include "EmitFeedForward.h"

#include "EmitActivation.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::FeedForwardDescription;
using ::moe::WeightDescription;

namespace {

/// Collects the operands of a map, then tells which block argument stands for each.
class MapEmitter {
public:
  MapEmitter(ImplicitLocOpBuilder &builder, const WeightValues &weights) : b(builder), weights(weights) {}

  /// A product with its bias; called once for each product.
  void add(Value product, const std::optional<WeightDescription> &bias) {
    products.push_back(operands.size());
    operands.push_back(product);
    biases.push_back(bias ? weights.at(&*bias) : Value());
  }

  /// `function` makes the element of the result from the sums of products and biases, in f32.
  Value emit(Type element, llvm::function_ref<Value(ArrayRef<Value>)> function) {
    SmallVector<Value> all = operands;
    for (Value bias : biases)
      if (bias)
        all.push_back(bias);
    auto rows = cast<RankedTensorType>(operands.front().getType());
    auto map = MapOp::create(b, RankedTensorType::get(rows.getShape(), element), all);
    OpBuilder::InsertionGuard guard(b);
    SmallVector<Type> types;
    for (Value operand : all)
      types.push_back(getElementTypeOrSelf(operand.getType()));
    Block *body = b.createBlock(&map.getBody(), {}, types, SmallVector<Location>(types.size(), b.getLoc()));
    SmallVector<Value> sums;
    unsigned next = static_cast<unsigned>(operands.size());
    for (auto [product, bias] : llvm::zip_equal(products, biases)) {
      Value sum = body->getArgument(static_cast<unsigned>(product));
      if (bias)
        sum = arith::AddFOp::create(b, sum, toF32(body->getArgument(next++)));
      sums.push_back(sum);
    }
    Value value = function(sums);
    if (!element.isF32())
      value = arith::TruncFOp::create(b, element, value);
    YieldOp::create(b, ValueRange{value});
    return map.getResult();
  }

private:
  Value toF32(Value value) {
    return value.getType().isF32() ? value : arith::ExtFOp::create(b, b.getF32Type(), value).getResult();
  }

  ImplicitLocOpBuilder &b;
  const WeightValues &weights;
  SmallVector<size_t> products;
  SmallVector<Value> operands, biases;
};

} // namespace

/// rows * matrix^T, in f32.
static Value emitProduct(ImplicitLocOpBuilder &b, Value rows, Value matrix) {
  int64_t width = cast<RankedTensorType>(matrix.getType()).getDimSize(0);
  Type type = RankedTensorType::get({ShapedType::kDynamic, width}, b.getF32Type());
  return LinearOp::create(b, TypeRange{type}, rows, ValueRange{matrix}).getResult(0);
}

Value mlir::moe::emitFeedForward(ImplicitLocOpBuilder &b, const FeedForwardDescription &body, Value rows,
                                 const WeightValues &weights) {
  Type element = getElementTypeOrSelf(rows.getType());
  MapEmitter hidden(b, weights);
  if (body.gate)
    hidden.add(emitProduct(b, rows, weights.at(&*body.gate)), body.gateBias);
  hidden.add(emitProduct(b, rows, weights.at(&body.up)), body.upBias);
  Value activated = hidden.emit(element, [&](ArrayRef<Value> sums) {
    return emitActivation(b, body, body.gate ? sums.front() : Value(), sums.back());
  });
  Value product = emitProduct(b, activated, weights.at(&body.down));
  if (!body.downBias)
    return product;
  MapEmitter result(b, weights);
  result.add(product, body.downBias);
  return result.emit(b.getF32Type(), [](ArrayRef<Value> sums) { return sums.front(); });
}
