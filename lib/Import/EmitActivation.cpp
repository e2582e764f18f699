// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formulas of the activations, in f32.
#include "EmitActivation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using ::moe::Activation;
using ::moe::FeedForwardDescription;

static Value constant(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(static_cast<float>(value)));
}

/// x / (1 + exp(-alpha * x))
static Value emitSilu(ImplicitLocOpBuilder &b, Value x, double alpha) {
  Value scaled = alpha == 1.0 ? Value(arith::NegFOp::create(b, x)) : arith::MulFOp::create(b, x, constant(b, -alpha));
  Value exp = math::ExpOp::create(b, scaled);
  return arith::DivFOp::create(b, x, arith::AddFOp::create(b, exp, constant(b, 1.0)));
}

/// x / 2 * (1 + erf(x / sqrt(2)))
static Value emitGelu(ImplicitLocOpBuilder &b, Value x) {
  Value erf = math::ErfOp::create(b, arith::MulFOp::create(b, x, constant(b, 0.70710678118654752)));
  Value half = arith::MulFOp::create(b, x, constant(b, 0.5));
  return arith::MulFOp::create(b, half, arith::AddFOp::create(b, erf, constant(b, 1.0)));
}

/// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
static Value emitGeluTanh(ImplicitLocOpBuilder &b, Value x) {
  Value square = arith::MulFOp::create(b, x, x);
  Value cube = arith::MulFOp::create(b, square, x);
  Value inner = arith::AddFOp::create(b, x, arith::MulFOp::create(b, cube, constant(b, 0.044715)));
  Value tanh = math::TanhOp::create(b, arith::MulFOp::create(b, inner, constant(b, 0.79788456080286536)));
  Value half = arith::MulFOp::create(b, x, constant(b, 0.5));
  return arith::MulFOp::create(b, half, arith::AddFOp::create(b, tanh, constant(b, 1.0)));
}

/// max(x, 0), NaN kept
static Value emitRelu(ImplicitLocOpBuilder &b, Value x) { return arith::MaximumFOp::create(b, x, constant(b, 0.0)); }

/// max(x, 0)^2
static Value emitRelu2(ImplicitLocOpBuilder &b, Value x) {
  Value relu = emitRelu(b, x);
  return arith::MulFOp::create(b, relu, relu);
}

static Value emitFunction(ImplicitLocOpBuilder &builder, const FeedForwardDescription &body, Value x) {
  switch (body.activation) {
  case Activation::Silu:
    return emitSilu(builder, x, body.sigmoidAlpha);
  case Activation::Gelu:
    return emitGelu(builder, x);
  case Activation::GeluTanh:
    return emitGeluTanh(builder, x);
  case Activation::Relu:
    return emitRelu(builder, x);
  case Activation::Relu2:
    return emitRelu2(builder, x);
  }
  llvm_unreachable("every activation has a formula");
}

Value mlir::moe::emitActivation(ImplicitLocOpBuilder &b, const FeedForwardDescription &body, Value gate, Value up) {
  if (gate && body.gateLimit != 0.0)
    gate = arith::MinimumFOp::create(b, gate, constant(b, body.gateLimit));
  if (body.upLimit != 0.0) {
    up = arith::MinimumFOp::create(b, up, constant(b, body.upLimit));
    up = arith::MaximumFOp::create(b, up, constant(b, -body.upLimit));
  }
  if (!gate)
    return emitFunction(b, body, up);
  Value value = emitFunction(b, body, gate);
  if (body.upOffset != 0.0)
    up = arith::AddFOp::create(b, up, constant(b, body.upOffset));
  return arith::MulFOp::create(b, value, up);
}
