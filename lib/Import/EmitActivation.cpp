// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formulas of the activations, in f32.
#include "EmitActivation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using ::moe::Activation;

static Value constant(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(static_cast<float>(value)));
}

/// x / (1 + exp(-x))
static Value emitSilu(ImplicitLocOpBuilder &b, Value x) {
  Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x));
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

Value mlir::moe::emitActivation(ImplicitLocOpBuilder &builder, Activation activation, Value x) {
  switch (activation) {
  case Activation::Silu:
    return emitSilu(builder, x);
  case Activation::Gelu:
    return emitGelu(builder, x);
  case Activation::GeluTanh:
    return emitGeluTanh(builder, x);
  case Activation::Relu:
    return emitRelu(builder, x);
  }
  llvm_unreachable("every activation has a formula");
}
