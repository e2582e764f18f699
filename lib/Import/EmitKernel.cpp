// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits the model form of one block: score, route, dispatch, experts, combine.
#include "EmitKernel.h"

#include "EmitActivation.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::moe;
using ::moe::BlockDescription;
using ::moe::DType;
using ::moe::FeedForwardDescription;
using ::moe::Precision;
using ::moe::RouterDescription;
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
  bool ofRouter = &weight == &router.weight || (router.bias && &weight == &*router.bias) ||
                  (router.selectionBias && &weight == &*router.selectionBias);
  return floatType(context, ofRouter ? router.parameters : Precision::Model, dtype);
}

/// What the description can say and this emitter cannot; empty when nothing.
static StringRef missingFeature(const BlockDescription &block) {
  const RouterDescription &router = block.router;
  const FeedForwardDescription &body = block.body;
  if (router.logitScale != 1.0 || router.softcap != 0.0)
    return "scaled or capped logits";
  if (router.scores != Precision::F32)
    return "scores in another format than f32";
  if (router.scaleOn == ::moe::ScaleOn::Output && router.scale != 1.0)
    return "a scale on the output";
  if (router.groups && router.capacity)
    return "groups together with a capacity";
  if (!block.shared.empty())
    return "shared experts";
  if (!body.biases.empty())
    return "biases of experts";
  if (body.gateLimit != 0.0 || body.upLimit != 0.0 || body.upOffset != 0.0 || body.sigmoidAlpha != 1.0)
    return "limits, offsets and scales around the activation";
  for (const WeightDescription *weight : block.weights())
    if (weight->part != ::moe::RowPart::Whole)
      return "gate and up in one tensor";
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
  Value emitRouting(Value rows, ArrayRef<Value> weights, Value &logits);
  Value emitExperts(Value dispatched, ArrayRef<Value> weights);
  Value emitBody(Value rows, ArrayRef<Value> weights);

  RankedTensorType rowsOf(int64_t width, Type type) {
    return RankedTensorType::get({ShapedType::kDynamic, width}, type);
  }

  const BlockDescription &block;
  const RouterDescription &router;
  DType dtype;
  ImplicitLocOpBuilder &b;
  Type element;
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

/// `weights`: the router's matrix, then its biases.
Value KernelEmitter::emitRouting(Value rows, ArrayRef<Value> weights, Value &logits) {
  Type logitsType = rowsOf(block.experts, floatType(b.getContext(), router.projection, dtype));
  Value matrix = weights.front(), bias, selectionBias;
  weights = weights.drop_front();
  if (router.bias) {
    bias = weights.front();
    weights = weights.drop_front();
  }
  if (router.selectionBias)
    selectionBias = weights.front();
  logits = ScoreAffineOp::create(b, logitsType, rows, matrix, bias);

  Type weightType = floatType(b.getContext(), router.output, dtype);
  Type routing = RoutingType::get(b.getContext(), block.experts, block.topK, weightType, Axis::Expert);
  FloatAttr scale = router.scale == 1.0 ? FloatAttr() : b.getF64FloatAttr(router.scale);
  return RouteOp::create(b, routing, logits, selectionBias, selection(),
                         router.rank == ::moe::RankBy::Scores ? Rank::Scores : Rank::Logits, scoreFunction(),
                         overOf(router.over), renormalize(), scale);
}

/// One expert's rows through its slices of the weights: gate (if any), up, down.
Value KernelEmitter::emitBody(Value rows, ArrayRef<Value> weights) {
  Type f32 = b.getF32Type();
  SmallVector<Value> products;
  SmallVector<Type> elements;
  for (Value matrix : weights.drop_back()) {
    Type type = rowsOf(block.body.width, f32);
    products.push_back(LinearOp::create(b, TypeRange{type}, rows, ValueRange{matrix}).getResult(0));
    elements.push_back(f32);
  }

  auto map = MapOp::create(b, rowsOf(block.body.width, element), products);
  {
    OpBuilder::InsertionGuard guard(b);
    Block *body = b.createBlock(&map.getBody(), {}, elements, SmallVector<Location>(elements.size(), b.getLoc()));
    Value value = emitActivation(b, block.body.activation, body->getArgument(0));
    if (body->getNumArguments() == 2)
      value = arith::MulFOp::create(b, value, body->getArgument(1));
    if (element != f32)
      value = arith::TruncFOp::create(b, element, value);
    YieldOp::create(b, ValueRange{value});
  }
  Type type = rowsOf(block.modelWidth, f32);
  return LinearOp::create(b, TypeRange{type}, map.getResult(), ValueRange{weights.back()}).getResult(0);
}

Value KernelEmitter::emitExperts(Value dispatched, ArrayRef<Value> weights) {
  Type result = RaggedType::get(b.getContext(), block.experts, block.modelWidth, b.getF32Type());
  auto experts = ExpertsOp::create(b, result, ValueRange{dispatched}, weights);
  SmallVector<Type> types = {rowsOf(block.modelWidth, element)};
  for (Value weight : weights) {
    auto type = cast<RankedTensorType>(weight.getType());
    types.push_back(RankedTensorType::get(type.getShape().drop_front(), type.getElementType()));
  }
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&experts.getBody(), {}, types, SmallVector<Location>(types.size(), b.getLoc()));
  SmallVector<Value> slices(body->getArguments().drop_front());
  YieldOp::create(b, ValueRange{emitBody(body->getArgument(0), slices)});
  return experts.getResult();
}

func::FuncOp KernelEmitter::emit(StringRef name) {
  MLIRContext *context = b.getContext();
  RankedTensorType rowsType = rowsOf(block.modelWidth, element);
  Type weightType = floatType(context, router.output, dtype);
  SmallVector<Type> inputs = {rowsType};
  for (const WeightDescription *weight : block.weights())
    inputs.push_back(RankedTensorType::get(weight->shape, weightElementType(context, block, *weight, dtype)));
  SmallVector<Type> results = {rowsType, rowsOf(block.experts, floatType(context, router.projection, dtype)),
                               rowsOf(block.topK, b.getI32Type()), rowsOf(block.topK, weightType)};

  auto kernel = func::FuncOp::create(b, name, b.getFunctionType(inputs, results));
  for (auto [index, result] : llvm::enumerate(ArrayRef<StringRef>{"output", "logits", "experts", "weights"}))
    kernel.setResultAttr(index, kResultNameAttr, b.getStringAttr(result));
  OpBuilder::InsertionGuard guard(b);
  Block *entry = kernel.addEntryBlock();
  b.setInsertionPointToStart(entry);

  Value x = entry->getArgument(0);
  SmallVector<Value> weights(entry->getArguments().drop_front());
  size_t ofRouter = 1 + router.bias.has_value() + router.selectionBias.has_value();
  Value logits;
  Value routing = emitRouting(x, ArrayRef(weights).take_front(ofRouter), logits);
  auto unpacked = UnpackRoutingOp::create(b, TypeRange{results[2], results[3]}, routing);

  bool weighsInput = router.weightOn == ::moe::WeightOn::Input;
  Type ragged = RaggedType::get(context, block.experts, block.modelWidth, element);
  Value dispatched = DispatchOp::create(b, ragged, x, routing, weighsInput);
  Value outputs = emitExperts(dispatched, ArrayRef(weights).drop_front(ofRouter));
  Value output = CombineOp::create(b, rowsType, outputs, routing,
                                   weighsInput ? CombineKind::Sum : CombineKind::WeightedSum, /*like=*/Value());
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
