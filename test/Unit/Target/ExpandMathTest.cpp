// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ExpandMathTest.cpp - how good the arithmetic is that replaces math functions -----------------------===//

#include "Compile.h"

#include "moe/Target/Jit.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::moe;

/// A layer that applies one function to each of its rows of width 1, compiled; the weight is not used.
static std::string layerOf(const std::string &body) {
  return R"(
    moe.weight @w : tensor<1x1xf32> from "w"
    moe.layer @moe0 block 0 = @k(@w)
    func.func @k_workspace(%t: index) -> i64 { %c = arith.constant 0 : i64
      return %c : i64 }
    func.func @k(%x: memref<?x1xf32, strided<[?, 1]>>,
        %w: memref<1x1xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 1, cols = 1, panel = 0, k_group = 1, type = f32>},
        %y: memref<?x1xf32, strided<[?, 1]>> {moe.name = "output"}, %ws: memref<?xi8>, %pool: !llvm.ptr) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %tokens = memref.dim %x, %c0 : memref<?x1xf32, strided<[?, 1]>>
      scf.for %t = %c0 to %tokens step %c1 {
        %a = memref.load %x[%t, %c0] : memref<?x1xf32, strided<[?, 1]>>
        )" +
         body + R"(
        memref.store %b, %y[%t, %c0] : memref<?x1xf32, strided<[?, 1]>>
      }
      return
    })";
}

static std::vector<float> evaluate(const std::string &body, std::vector<float> x) {
  auto code = nativeCode(parseSourceString<ModuleOp>(layerOf(body), &testContext()));
  if (!code)
    return {};
  auto object = code->object();
  EXPECT_TRUE(bool(object));
  auto jit = JitLibrary::load(std::move(*object));
  if (!jit) {
    ADD_FAILURE() << llvm::toString(jit.takeError());
    return {};
  }
  std::vector<float> y(x.size());
  const void *in = x.data();
  void *out = y.data();
  int64_t stride = 1;
  const void *expert = nullptr;
  const void *const *table = &expert;
  moe_kernel_args args = {};
  args.tokens = int64_t(x.size());
  args.inputs = &in;
  args.input_strides = &stride;
  args.outputs = &out;
  args.output_strides = &stride;
  args.weights = &table;
  (*jit)->descriptor()->layers[0].variants[0].run(&args);
  return y;
}

static std::vector<float> range(float low, float high) {
  std::vector<float> x;
  for (int i = 0; i <= 1000; ++i)
    x.push_back(low + (high - low) * float(i) / 1000);
  return x;
}

static void expectClose(const char *op, const std::vector<float> &x, double (*exact)(double), double tolerance) {
  std::vector<float> y = evaluate(std::string("%b = ") + op + " %a : f32", x);
  ASSERT_EQ(y.size(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    double want = exact(x[i]);
    EXPECT_NEAR(y[i], want, tolerance * std::max(std::fabs(want), 1e-30)) << op << "(" << x[i] << ")";
  }
}

TEST(ExpandMath, ExpIsAccurate) { expectClose("math.exp", range(-80, 80), std::exp, 2e-7 * 2); }
TEST(ExpandMath, LogIsAccurate) { expectClose("math.log", range(1.5, 1e6), std::log, 1e-6); }
TEST(ExpandMath, TanhIsAccurate) { expectClose("math.tanh", range(0.1, 9), std::tanh, 2e-6); }
TEST(ExpandMath, ErfIsAccurate) { expectClose("math.erf", range(0.1, 4), std::erf, 2e-6); }

TEST(ExpandMath, ExpAtTheEdges) {
  float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y = evaluate("%b = math.exp %a : f32", {-inf, inf, nan, 0.0f, -1000.0f, 1000.0f, -0.0f});
  ASSERT_EQ(y.size(), 7u);
  EXPECT_EQ(y[0], 0.0f);
  EXPECT_EQ(y[1], inf);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], 1.0f);
  EXPECT_LT(y[4], 1e-37f);
  EXPECT_GT(y[5], 1e38f);
  EXPECT_EQ(y[6], 1.0f);
}

/// silu as layers write it: x / (1 + exp(-x)); large values must neither overflow to NaN nor lose their sign.
TEST(ExpandMath, SiluAtTheEdges) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y = evaluate(R"(%one = arith.constant 1.0 : f32
        %n = arith.negf %a : f32
        %e = math.exp %n : f32
        %d = arith.addf %e, %one : f32
        %b = arith.divf %a, %d : f32)",
                                  {-1e4f, 1e4f, -200.0f, 200.0f, nan, -90.0f});
  ASSERT_EQ(y.size(), 6u);
  EXPECT_NEAR(y[0], 0.0f, 1e-30f);
  EXPECT_EQ(y[1], 1e4f);
  EXPECT_NEAR(y[2], 0.0f, 1e-30f);
  EXPECT_EQ(y[3], 200.0f);
  EXPECT_TRUE(std::isnan(y[4]));
  EXPECT_NEAR(y[5], 0.0f, 1e-30f);
}
