// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Packed weights against the formula of docs/abi.md, element by element, and random weights. All of it through the C
// ABI: a kernel that only notes where its weights are.
//===----------------------------------------------------------------------===//
#include "OneWeight.h"

#include <cmath>
#include <cstring>
#include <random>

// Values of the half formats, found the slow way: the neighbour that is nearer, the even one in a tie.
static double bf16Value(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

static uint16_t nearestBf16(float value) {
  uint32_t wide;
  std::memcpy(&wide, &value, 4);
  uint16_t below = uint16_t(wide >> 16), above = uint16_t(below + 1); // in magnitude
  double toBelow = std::abs(double(value) - bf16Value(below)), toAbove = std::abs(bf16Value(above) - double(value));
  return toBelow < toAbove || (toBelow == toAbove && below % 2 == 0) ? below : above;
}

static uint16_t nearestF16(float value) {
  _Float16 half = static_cast<_Float16>(value); // the compiler's conversion
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

static float valueOf(moe::DType dtype, const char *bytes) {
  if (dtype == moe::DType::F32) {
    float value;
    std::memcpy(&value, bytes, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, 2);
  if (dtype == moe::DType::BF16)
    return float(bf16Value(bits));
  _Float16 half;
  std::memcpy(&half, &bits, 2);
  return float(half);
}

static uint32_t bitsAs(int32_t dtype, float value) {
  if (dtype == MOE_BF16)
    return nearestBf16(value);
  if (dtype == MOE_F16)
    return nearestF16(value);
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

struct Shape {
  int64_t rows, cols, experts, panel, group;
  int sources;
  bool transposed, stacked;
  moe::DType from;
  int32_t to;
  // Rows of a larger stored matrix, and whether the experts' matrices are one below the other in one of rank 2.
  int64_t begin = 0, step = 1, more = 0;
  bool below = false;

  int64_t storedRows() const { return begin + (rows - 1) * step + 1 + more; }
};

static void expectPacked(const Shape &shape, moe_pool *pool, std::mt19937 &random) {
  SCOPED_TRACE(testing::Message() << "rows " << shape.rows << " cols " << shape.cols << " experts " << shape.experts
                                  << " panel " << shape.panel << " group " << shape.group << " sources "
                                  << shape.sources << " transposed " << shape.transposed << " stacked " << shape.stacked
                                  << " from " << int(shape.from) << " to " << shape.to << " begin " << shape.begin
                                  << " step " << shape.step << " of " << shape.storedRows());
  int64_t size = shape.from == moe::DType::F32 ? 4 : 2, count = shape.storedRows() * shape.cols;
  std::normal_distribution<float> normal;
  // [source][expert] -> bytes as stored
  std::vector<std::string> stored(shape.sources);
  std::vector<moe::TensorToWrite> tensors;
  std::vector<std::string> names;
  std::vector<int64_t> matrix = {shape.storedRows(), shape.cols};
  if (shape.transposed)
    std::swap(matrix[0], matrix[1]);
  for (int s = 0; s < shape.sources; ++s) {
    stored[s].resize(size_t(shape.experts * count * size));
    for (int64_t i = 0; i < shape.experts * count; ++i) {
      float value = normal(random);
      uint32_t bits = bitsAs(int32_t(shape.from), value);
      std::memcpy(&stored[s][size_t(i * size)], &bits, size_t(size));
    }
    std::string base = "source" + std::to_string(s);
    names.push_back(shape.stacked ? base : base + ".{e}.weight");
    if (shape.stacked && shape.below)
      tensors.push_back({base, shape.from, {shape.experts * matrix[0], matrix[1]}, stored[s].data()});
    else if (shape.stacked)
      tensors.push_back({base, shape.from, {shape.experts, matrix[0], matrix[1]}, stored[s].data()});
    else
      for (int64_t e = 0; e < shape.experts; ++e)
        tensors.push_back(
            {base + "." + std::to_string(e) + ".weight", shape.from, matrix, stored[s].data() + e * count * size});
  }
  TempFolder folder;
  ASSERT_TRUE(moe::writeSafeTensors(folder.file("model.safetensors"), tensors).ok());
  OneWeight model(shape.rows, shape.cols, shape.experts, shape.panel, shape.group, shape.to, names, shape.transposed);
  for (moe_source_desc &source : model.sources) {
    source.row_begin = shape.begin;
    source.row_step = shape.step;
    source.stored_rows = shape.storedRows();
  }
  moe_load_options options{};
  options.checkpoint = folder.path.c_str();
  options.pool = pool;
  Layer keep;
  std::vector<const void *> packed = model.packed(options, keep);

  int64_t panel = shape.panel, group = shape.group, outSize = shape.to == MOE_F32 ? 4 : 2;
  int64_t panels = panel ? (shape.rows + panel - 1) / panel : 1, groups = panel ? (shape.cols + group - 1) / group : 1;
  int64_t total = panel ? panels * groups * shape.sources * panel * group : shape.sources * shape.rows * shape.cols;
  for (int64_t e = 0; e < shape.experts; ++e) {
    ASSERT_EQ(reinterpret_cast<uintptr_t>(packed[size_t(shape.panel ? e : 0)]) % 64, 0u);
    std::vector<uint32_t> expected(size_t(total), 0);
    for (int s = 0; s < shape.sources; ++s)
      for (int64_t n = 0; n < shape.rows; ++n)
        for (int64_t k = 0; k < shape.cols; ++k) {
          int64_t row = shape.begin + n * shape.step;
          int64_t at = e * count + (shape.transposed ? k * shape.storedRows() + row : row * shape.cols + k);
          int64_t place = panel ? (((n / panel) * groups + k / group) * shape.sources + s) * panel * group +
                                      (n % panel) * group + k % group
                                : (s * shape.rows + n) * shape.cols + k;
          expected[size_t(place)] = bitsAs(shape.to, valueOf(shape.from, &stored[s][size_t(at * size)]));
        }
    for (int64_t i = 0; i < total; ++i) {
      uint32_t bits = 0;
      std::memcpy(&bits, static_cast<const char *>(packed[size_t(e)]) + i * outSize, size_t(outSize));
      ASSERT_EQ(bits, expected[size_t(i)]) << "expert " << e << " element " << i;
    }
  }
}

TEST(Weights, PackedAsTheFormulaSays) {
  std::mt19937 random(1);
  Pool pool = makePool(2);
  auto pick = [&](std::vector<int64_t> choices) { return choices[random() % choices.size()]; };
  for (int i = 0; i < 300; ++i) {
    Shape shape{pick({1, 2, 3, 5, 16, 17, 33}),
                pick({1, 2, 3, 7, 8, 31}),
                pick({1, 2, 5}),
                pick({0, 1, 2, 3, 4, 16}),
                pick({1, 2, 3, 4}),
                int(pick({1, 2, 3})),
                pick({0, 1}) == 1,
                pick({0, 1}) == 1,
                moe::DType(pick({1, 2, 3})),
                int32_t(pick({1, 2, 3}))};
    if (i % 3 == 1) { // a part of what is stored, as gate and up of one tensor
      shape.begin = pick({0, 1, shape.rows});
      shape.step = pick({1, 2, 3});
      shape.more = pick({0, 1, shape.rows});
      shape.step = std::min(shape.step, shape.storedRows());
    }
    shape.below = pick({0, 1}) == 1;
    expectPacked(shape, i % 2 ? pool.get() : nullptr, random);
    if (HasFatalFailure())
      return;
  }
}

TEST(Weights, LargerThanTheStagingBuffer) {
  std::mt19937 random(2);
  Pool pool = makePool(2);
  for (bool transposed : {false, true})
    for (int64_t panel : {0, 24})
      for (int64_t step : {1, 2})
        expectPacked({701, 1003, 2, panel, 2, 2, transposed, transposed, moe::DType::BF16, MOE_BF16, step - 1, step, 1},
                     pool.get(), random);
  expectPacked({701, 1003, 1, 16, 3, 1, true, false, moe::DType::F32, MOE_F16}, nullptr, random);
  expectPacked({3, 300001, 1, 2, 2, 1, false, false, moe::DType::F16, MOE_F32}, nullptr, random); // one row is larger
}

TEST(Weights, EveryInstructionSetPacksAlike) {
  std::mt19937 random(3);
  for (const char *features : {"0", "1", "3"}) { // none, AVX2, AVX-512
    ASSERT_EQ(setenv("MOE_CPU_FEATURES_MASK", features, 1), 0);
    for (int64_t panel : {8, 24, 32, 40})
      for (bool transposed : {false, true}) {
        expectPacked({75, 83, 2, panel, 2, 2, transposed, false, moe::DType::BF16, MOE_BF16}, nullptr, random);
        expectPacked({75, 83, 1, panel, 1, 1, transposed, true, moe::DType::F32, MOE_F32, 1, 2, 1}, nullptr, random);
        expectPacked({75, 83, 1, panel, 1, 2, transposed, true, moe::DType::F16, MOE_F32}, nullptr, random);
        expectPacked({75, 83, 1, panel, 4, 1, transposed, true, moe::DType::F32, MOE_BF16}, nullptr, random);
      }
  }
  unsetenv("MOE_CPU_FEATURES_MASK");
}

TEST(Weights, WorkedExampleOfTheManual) {
  // docs/abi.md: N = 3, K = 3, panel 2, k_group 2, sources g and u; element (n, k) is written as 10 n + k (+ 100 for
  // u).
  std::vector<float> g, u;
  for (int n = 0; n < 3; ++n)
    for (int k = 0; k < 3; ++k) {
      g.push_back(float(10 * n + k));
      u.push_back(float(100 + 10 * n + k));
    }
  TempFolder folder;
  ASSERT_TRUE(moe::writeSafeTensors(folder.file("model.safetensors"), {{"g", moe::DType::F32, {3, 3}, g.data()},
                                                                       {"u", moe::DType::F32, {3, 3}, u.data()}})
                  .ok());
  OneWeight model(3, 3, 1, 2, 2, MOE_F32, {"g", "u"});
  moe_load_options options{};
  options.checkpoint = folder.path.c_str();
  Layer keep;
  auto *data = static_cast<const float *>(model.packed(options, keep)[0]);
  std::vector<float> expected = {0,  1,  10, 11, 100, 101, 110, 111, 2,  0, 12, 0, 102, 0, 112, 0,
                                 20, 21, 0,  0,  120, 121, 0,   0,   22, 0, 0,  0, 122, 0, 0,   0};
  EXPECT_EQ(std::vector<float>(data, data + 32), expected);
}

TEST(Weights, VectorsStandForThinMatrices) {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  TempFolder folder;
  ASSERT_TRUE(
      moe::writeSafeTensors(folder.file("model.safetensors"), {{"bias", moe::DType::F32, {6}, values.data()},
                                                               {"stack", moe::DType::F32, {2, 3}, values.data()}})
          .ok());
  moe_load_options options{};
  options.checkpoint = folder.path.c_str();
  Layer keep;
  OneWeight bias(6, 1, 1, 0, 0, MOE_F32, {"bias"});
  auto *data = static_cast<const float *>(bias.packed(options, keep)[0]);
  EXPECT_EQ(std::vector<float>(data, data + 6), values);
  OneWeight stack(3, 1, 2, 0, 0, MOE_F32, {"stack"}); // two experts with a bias of 3
  auto experts = stack.packed(options, keep);
  EXPECT_EQ(static_cast<const float *>(experts[0])[2], 3);
  EXPECT_EQ(static_cast<const float *>(experts[1])[0], 4);
}

TEST(Weights, PartsOfARandomTensorDiffer) {
  auto part = [](int64_t begin, int64_t step) {
    OneWeight model(6, 5, 1, /*panel=*/0, 1, MOE_F32, {"gate_up"});
    model.sources[0].row_begin = begin;
    model.sources[0].row_step = step;
    model.sources[0].stored_rows = 12;
    moe_load_options options{};
    options.random_weights = 1;
    Layer keep;
    auto *data = static_cast<const float *>(model.packed(options, keep)[0]);
    return std::vector<float>(data, data + 30);
  };
  std::vector<float> low = part(0, 1), high = part(6, 1), even = part(0, 2), odd = part(1, 2);
  EXPECT_NE(low, high);
  EXPECT_EQ(std::vector<float>(low.begin(), low.begin() + 5), std::vector<float>(even.begin(), even.begin() + 5));
  EXPECT_EQ(std::vector<float>(high.end() - 5, high.end()), std::vector<float>(odd.end() - 5, odd.end()));
  EXPECT_EQ(std::vector<float>(low.begin() + 5, low.begin() + 10), std::vector<float>(odd.begin(), odd.begin() + 5));
}

TEST(Weights, PlainExpertsAreOneArray) {
  OneWeight model(3, 5, 4, /*panel=*/0, 1, MOE_F32, {"w.{e}"}); // 60 bytes an expert
  moe_load_options options{};
  options.random_weights = 1;
  Layer keep;
  std::vector<const void *> experts = model.packed(options, keep);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(experts[0]) % 64, 0u);
  for (size_t e = 1; e < 4; ++e)
    EXPECT_EQ(static_cast<const char *>(experts[e]) - static_cast<const char *>(experts[e - 1]), 60);
}

/// Experts 0 and 3 of five lack a tensor, or all of a stacked one is there.
static std::vector<float> valuesOf(bool stacked, int64_t panel, std::vector<moe_expert_range> unused,
                                   std::vector<const void *> *addresses = nullptr) {
  std::vector<float> values(5 * 6);
  std::iota(values.begin(), values.end(), 1.f);
  std::vector<moe::TensorToWrite> tensors;
  if (stacked)
    tensors.push_back({"w", moe::DType::F32, {5, 2, 3}, values.data()});
  for (int64_t e : {1, 2, 4})
    if (!stacked)
      tensors.push_back({"w." + std::to_string(e), moe::DType::F32, {2, 3}, values.data() + 6 * e});
  TempFolder folder;
  EXPECT_TRUE(moe::writeSafeTensors(folder.file("model.safetensors"), tensors).ok());
  OneWeight model(2, 3, 5, panel, 1, MOE_F32, {stacked ? "w" : "w.{e}"});
  model.weight.unused = unused.data();
  model.weight.num_unused = int64_t(unused.size());
  moe_load_options options{};
  options.checkpoint = folder.path.c_str();
  Pool pool = makePool(2);
  options.pool = pool.get();
  Layer keep;
  std::vector<const void *> packed = model.packed(options, keep);
  std::vector<float> first; // logical element (0, 0) of each expert
  for (const void *expert : packed)
    first.push_back(*static_cast<const float *>(expert));
  if (addresses)
    *addresses = packed;
  return first;
}

TEST(Weights, UnusedExpertsAreNotLoaded) {
  std::vector<const void *> at;
  for (bool stacked : {false, true}) {
    EXPECT_EQ(valuesOf(stacked, 2, {{0, 1}, {3, 4}}, &at), (std::vector<float>{7, 7, 13, 7, 25}));
    EXPECT_EQ(at[0], at[1]); // somewhere that can be read, and no memory of their own
    EXPECT_EQ(at[3], at[1]);
    EXPECT_EQ(static_cast<const char *>(at[2]) - static_cast<const char *>(at[1]), 64);
    EXPECT_EQ(static_cast<const char *>(at[4]) - static_cast<const char *>(at[2]), 64);
    // Plain experts are one array.
    EXPECT_EQ(valuesOf(stacked, 0, {{0, 1}, {3, 4}}, &at), (std::vector<float>{0, 7, 13, 0, 25}));
    EXPECT_EQ(static_cast<const char *>(at[4]) - static_cast<const char *>(at[0]), 4 * 24);
    EXPECT_EQ(valuesOf(stacked, 2, {{0, 5}}, &at), std::vector<float>(5, 0));
  }
}

static std::vector<float> randomPlain(uint64_t seed, int64_t panel, moe_pool *pool, const char *name = "w.{e}",
                                      int64_t expert = 1) {
  const int64_t rows = 600, cols = 700; // more than the staging buffer
  OneWeight model(rows, cols, 2, panel, 2, MOE_F32, {name});
  moe_load_options options{};
  options.random_weights = 1;
  options.seed = seed;
  options.pool = pool;
  Layer keep;
  auto *data = static_cast<const float *>(model.packed(options, keep)[size_t(expert)]);
  std::vector<float> plain;
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < cols; ++k)
      plain.push_back(panel ? data[((n / panel) * (cols / 2) + k / 2) * panel * 2 + (n % panel) * 2 + k % 2]
                            : data[n * cols + k]);
  return plain;
}

TEST(Weights, RandomIsAFunctionOfSeedNameAndExpert) {
  Pool pool = makePool(3);
  std::vector<float> base = randomPlain(7, 0, nullptr);
  EXPECT_EQ(base, randomPlain(7, 16, pool.get())); // not of packing or threads
  EXPECT_EQ(base, randomPlain(7, 7, nullptr));
  EXPECT_NE(base, randomPlain(8, 0, nullptr));
  EXPECT_NE(base, randomPlain(7, 0, nullptr, "v.{e}"));
  EXPECT_NE(base, randomPlain(7, 0, nullptr, "w.{e}", 0));
  double sum = 0, squares = 0, largest = 0;
  for (float value : base) {
    sum += value;
    squares += double(value) * value;
    largest = std::max(largest, std::abs(double(value)));
  }
  double count = double(base.size()), bound = std::sqrt(3.0 / 700);
  EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(700.0 * count));
  EXPECT_NEAR(squares / count * 700, 1, 0.01);
  EXPECT_LE(largest, bound * (1 + 1e-6));
  EXPECT_GT(largest, bound * 0.999);
}
