// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits the model form of one block: score, route, dispatch, experts, combine.
#include "EmitKernel.h"

#include "EmitFeedForward.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::BlockDescription;
using ::moe::DType;
using ::moe::FeedForwardDescription;
using ::moe::Precision;
using ::moe::RouterDescription;
using ::moe::SharedExpertDescription;
using ::moe::WeightDescription;

static Type floatType(MLIRContext *context, DType dtype) {
  if (dtype == DType::BF16)
    return BFloat16Type::get(context);
  if (dtype == DType::F16)
    return Float16Type::get(context);
  return Float32Type::get(context);
}

static Type floatType(MLIRContext *context, Precision precision, DType dtype) {
  return floatType(context, precision == Precision::F32 ? DType::F32 : dtype);
}

Type mlir::moe::weightElementType(MLIRContext *context, const BlockDescription &block, const WeightDescription &weight,
                                  DType dtype) {
  const RouterDescription &router = block.router;
  if (router.selectionBias && &weight == &*router.selectionBias)
    return floatType(context, router.choice, dtype);
  bool ofRouter = &weight == &router.weight || (router.bias && &weight == &*router.bias);
  return floatType(context, ofRouter ? router.parameters : Precision::Model, dtype);
}

/// What the description can say and this emitter cannot; empty when nothing.
static StringRef missingFeature(const BlockDescription &block) {
  const RouterDescription &router = block.router;
  const FeedForwardDescription &body = block.body;
  if (router.scores != Precision::F32)
    return "scores in another format than f32";
  if (router.groups && router.capacity)
    return "groups together with a capacity";
  if (body.sigmoidAlpha != 1.0 && body.activation != ::moe::Activation::Silu)
    return "a scaled argument of another activation than silu";
  return "";
}

namespace {

class KernelEmitter {
public:
  KernelEmitter(const BlockDescription &block, DType dtype, ImplicitLocOpBuilder &builder)
      : block(block), router(block.router), dtype(dtype), b(builder), element(floatType(b.getContext(), dtype)) {}

  func::FuncOp emit(StringRef name);

private:
  Attribute selection();
  Attribute scoreFunction();
  RenormalizeAttr renormalize();
  Value emitCap(Value logits);
  Value emitRouting(Value rows, Value &logits);
  Value emitRouted(Value rows, Value routing, const FeedForwardDescription &body, bool weighsInput, Type result);
  Value emitShared(Value rows, const SharedExpertDescription &expert);
  Value emitSum(Value routed, ArrayRef<Value> shared);

  Type f32() { return b.getF32Type(); }
  bool mapsLogits() { return router.logitScale != 1.0 || router.softcap != 0.0; }
  /// Of the logits that are compared: in f32 once they are more than a projection.
  Type logitsType() {
    return rowsOf(block.experts, mapsLogits() ? f32() : floatType(b.getContext(), router.projection, dtype));
  }
  RankedTensorType rowsOf(int64_t width, Type type) {
    return RankedTensorType::get({ShapedType::kDynamic, width}, type);
  }

  const BlockDescription &block;
  const RouterDescription &router;
  DType dtype;
  ImplicitLocOpBuilder &b;
  Type element;
  WeightValues weights;
};

} // namespace

Attribute KernelEmitter::selection() {
  MLIRContext *context = b.getContext();
  if (!router.groups)
    return TopKAttr::get(context, block.topK, Axis::Expert, /*window=*/0, router.capacity);
  return GroupTopKAttr::get(context, block.topK, router.groups->count, router.groups->keep,
                            router.groups->reduce == ::moe::GroupReduce::Max ? GroupReduce::Max : GroupReduce::Top2Sum,
                            router.groups->mask == ::moe::GroupMask::NegInf ? GroupMask::NegInf : GroupMask::Zero);
}

Attribute KernelEmitter::scoreFunction() {
  MLIRContext *context = b.getContext();
  switch (router.score) {
  case ::moe::ScoreFunction::Softmax:
    return SoftmaxAttr::get(context);
  case ::moe::ScoreFunction::Sigmoid:
    return SigmoidAttr::get(context);
  case ::moe::ScoreFunction::SqrtSoftplus:
    return SqrtSoftplusAttr::get(context);
  case ::moe::ScoreFunction::Identity:
    return IdentityAttr::get(context);
  case ::moe::ScoreFunction::One:
    return OneAttr::get(context);
  }
  llvm_unreachable("every score function has an attribute");
}

static Over overOf(::moe::NormalizeOver over) {
  switch (over) {
  case ::moe::NormalizeOver::Each:
    return Over::Each;
  case ::moe::NormalizeOver::All:
    return Over::All;
  case ::moe::NormalizeOver::Selected:
    return Over::Selected;
  case ::moe::NormalizeOver::Group:
    return Over::Group;
  }
  llvm_unreachable("every set has an enumerator");
}

RenormalizeAttr KernelEmitter::renormalize() {
  if (!router.renormalize)
    return {};
  return RenormalizeAttr::get(b.getContext(), router.renormalize->p, router.renormalize->eps, router.renormalize->min);
}

/// cap * tanh(scale * logit / cap), in f32.
Value KernelEmitter::emitCap(Value logits) {
  auto constant = [&](double value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(static_cast<float>(value)));
  };
  auto map = MapOp::create(b, logitsType(), ValueRange{logits});
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&map.getBody(), {}, getElementTypeOrSelf(logits.getType()), b.getLoc());
  Value value = body->getArgument(0);
  if (!value.getType().isF32())
    value = arith::ExtFOp::create(b, f32(), value);
  if (router.logitScale != 1.0)
    value = arith::MulFOp::create(b, value, constant(router.logitScale));
  if (router.softcap != 0.0) {
    Value cap = constant(router.softcap);
    value = arith::MulFOp::create(b, cap, math::TanhOp::create(b, arith::DivFOp::create(b, value, cap)));
  }
  YieldOp::create(b, ValueRange{value});
  return map.getResult();
}

Value KernelEmitter::emitRouting(Value rows, Value &logits) {
  Type projected = rowsOf(block.experts, floatType(b.getContext(), router.projection, dtype));
  Value bias = router.bias ? weights.at(&*router.bias) : Value();
  Value selectionBias = router.selectionBias ? weights.at(&*router.selectionBias) : Value();
  logits = ScoreAffineOp::create(b, projected, rows, weights.at(&router.weight), bias);
  if (mapsLogits())
    logits = emitCap(logits);

  Type weightType = floatType(b.getContext(), router.output, dtype);
  Type routing = RoutingType::get(b.getContext(), block.experts, block.topK, weightType, Axis::Expert);
  bool scales = router.scale != 1.0 && router.scaleOn == ::moe::ScaleOn::Weight;
  FloatAttr scale = scales ? b.getF64FloatAttr(router.scale) : FloatAttr();
  return RouteOp::create(b, routing, logits, selectionBias, selection(),
                         router.rank == ::moe::RankBy::Scores ? Rank::Scores : Rank::Logits, scoreFunction(),
                         overOf(router.over), renormalize(), scale);
}

/// The experts of a routing: rows out, each expert's slices of the weights, rows back.
Value KernelEmitter::emitRouted(Value rows, Value routing, const FeedForwardDescription &body, bool weighsInput,
                                Type result) {
  int64_t experts = cast<RoutingType>(routing.getType()).getExperts();
  Type sent = RaggedType::get(b.getContext(), experts, block.modelWidth, element);
  Value dispatched = DispatchOp::create(b, sent, rows, routing, weighsInput);

  std::vector<const WeightDescription *> used = body.weights();
  SmallVector<Value> stacks;
  SmallVector<Type> types = {rowsOf(block.modelWidth, element)};
  for (const WeightDescription *weight : used) {
    stacks.push_back(weights.at(weight));
    auto type = cast<RankedTensorType>(stacks.back().getType());
    types.push_back(RankedTensorType::get(type.getShape().drop_front(), type.getElementType()));
  }
  Type given = RaggedType::get(b.getContext(), experts, block.modelWidth, f32());
  auto op = ExpertsOp::create(b, given, ValueRange{dispatched}, stacks);
  {
    OpBuilder::InsertionGuard guard(b);
    Block *region = b.createBlock(&op.getBody(), {}, types, SmallVector<Location>(types.size(), b.getLoc()));
    WeightValues slices;
    for (auto [weight, slice] : llvm::zip_equal(used, region->getArguments().drop_front()))
      slices[weight] = slice;
    YieldOp::create(b, ValueRange{emitFeedForward(b, body, region->getArgument(0), slices)});
  }
  CombineKind kind = weighsInput ? CombineKind::Sum : CombineKind::WeightedSum;
  return CombineOp::create(b, result, op.getResult(), routing, kind, /*like=*/Value());
}

/// In f32. An expert with a gate is one that every row is sent to, with the sigmoid as weight.
Value KernelEmitter::emitShared(Value rows, const SharedExpertDescription &expert) {
  if (!expert.gate)
    return emitFeedForward(b, expert.body, rows, weights);
  MLIRContext *context = b.getContext();
  Value logits = ScoreAffineOp::create(b, rowsOf(1, element), rows, weights.at(&*expert.gate), /*bias=*/Value());
  Value routing = RouteOp::create(b, RoutingType::get(context, 1, 1, element, Axis::Expert), logits, /*bias=*/Value(),
                                  TopKAttr::get(context, 1, Axis::Expert, /*window=*/0, /*capacity=*/0), Rank::Logits,
                                  SigmoidAttr::get(context), Over::Each, RenormalizeAttr(), FloatAttr());
  return emitRouted(rows, routing, expert.body, /*weighsInput=*/false, rowsOf(block.modelWidth, f32()));
}

/// What the routed experts and the shared ones gave, added in f32 and rounded once.
Value KernelEmitter::emitSum(Value routed, ArrayRef<Value> shared) {
  SmallVector<Value> terms = {routed};
  terms.append(shared.begin(), shared.end());
  auto map = MapOp::create(b, rowsOf(block.modelWidth, element), terms);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(terms.size(), f32());
  Block *body = b.createBlock(&map.getBody(), {}, types, SmallVector<Location>(types.size(), b.getLoc()));
  Value sum = body->getArgument(0);
  if (router.scaleOn == ::moe::ScaleOn::Output && router.scale != 1.0)
    sum = arith::MulFOp::create(b, sum,
                                arith::ConstantOp::create(b, b.getF32FloatAttr(static_cast<float>(router.scale))));
  for (Value term : body->getArguments().drop_front())
    sum = arith::AddFOp::create(b, sum, term);
  if (!element.isF32())
    sum = arith::TruncFOp::create(b, element, sum);
  YieldOp::create(b, ValueRange{sum});
  return map.getResult();
}

func::FuncOp KernelEmitter::emit(StringRef name) {
  MLIRContext *context = b.getContext();
  RankedTensorType rowsType = rowsOf(block.modelWidth, element);
  Type weightType = floatType(context, router.output, dtype);
  std::vector<const WeightDescription *> described = block.weights();
  SmallVector<Type> inputs = {rowsType};
  for (const WeightDescription *weight : described)
    inputs.push_back(RankedTensorType::get(weight->shape, weightElementType(context, block, *weight, dtype)));
  SmallVector<Type> results = {rowsType, logitsType(), rowsOf(block.topK, b.getI32Type()),
                               rowsOf(block.topK, weightType)};

  auto kernel = func::FuncOp::create(b, name, b.getFunctionType(inputs, results));
  constexpr StringLiteral names[] = {"output", "logits", "experts", "weights"};
  for (auto [index, result] : llvm::enumerate(names))
    kernel.setResultAttr(index, kResultNameAttr, b.getStringAttr(result));
  OpBuilder::InsertionGuard guard(b);
  Block *entry = kernel.addEntryBlock();
  b.setInsertionPointToStart(entry);

  Value x = entry->getArgument(0);
  for (auto [weight, argument] : llvm::zip_equal(described, entry->getArguments().drop_front()))
    weights[weight] = argument;
  Value logits;
  Value routing = emitRouting(x, logits);
  auto unpacked = UnpackRoutingOp::create(b, TypeRange{results[2], results[3]}, routing);

  bool weighsInput = router.weightOn == ::moe::WeightOn::Input;
  bool scales = router.scaleOn == ::moe::ScaleOn::Output && router.scale != 1.0;
  bool sums = scales || !block.shared.empty();
  Value output = emitRouted(x, routing, block.body, weighsInput, sums ? rowsOf(block.modelWidth, f32()) : rowsType);
  SmallVector<Value> shared;
  for (const SharedExpertDescription &expert : block.shared)
    shared.push_back(emitShared(x, expert));
  if (sums)
    output = emitSum(output, shared);
  func::ReturnOp::create(b, ValueRange{output, logits, unpacked.getIds(), unpacked.getWeights()});
  return kernel;
}

FailureOr<OwningOpRef<func::FuncOp>> mlir::moe::emitKernel(MLIRContext *context, const BlockDescription &block,
                                                           DType dtype, StringRef name) {
  if (StringRef feature = missingFeature(block); !feature.empty())
    return emitError(UnknownLoc::get(context)) << "moe" << block.index << ": " << feature << " cannot be imported yet";
  ImplicitLocOpBuilder builder(UnknownLoc::get(context), context);
  return OwningOpRef<func::FuncOp>(KernelEmitter(block, dtype, builder).emit(name));
}
