// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library with one weight operand and a kernel that only notes where its packed experts are.
#ifndef MOE_TEST_UNIT_RUNTIME_ONEWEIGHT_H
#define MOE_TEST_UNIT_RUNTIME_ONEWEIGHT_H

#include "Model.h"

inline std::vector<const void *> seen;
inline int64_t expertsOfSeen;

/// One weight operand as a whole library.
struct OneWeight {
  OneWeight(int64_t rows, int64_t cols, int64_t experts, int64_t panel, int64_t group, int32_t dtype,
            std::vector<std::string> sourceNames, bool transposed = false, const char *format = nullptr)
      : names(std::move(sourceNames)) {
    for (const std::string &name : names)
      sources.push_back({name.c_str(), rows, cols, 0, 1, rows, transposed, 0});
    weight = {"operand", sources.data(), int64_t(sources.size()), experts, panel, group, dtype, 0, nullptr, 0, format};
    variant = {"plain",
               0,
               &weight,
               1,
               [](int64_t) { return int64_t(0); },
               [](const moe_kernel_args *args) { seen.assign(args->weights[0], args->weights[0] + expertsOfSeen); }};
    layer = {"moe3", 3, experts, 1, cols, rows, &input, 1, nullptr, 0, &variant, 1};
    desc = {MOE_ABI_VERSION, "test", "", "", "", &layer, 1};
  }

  /// The packed experts; they live as long as `keep`.
  std::vector<const void *> packed(const moe_load_options &options, Layer &keep) {
    keep = load(wrap(desc), options);
    expertsOfSeen = weight.experts;
    float x = 0;
    moe_tensor in = {&x, 1, 1, 1, MOE_F32, 0};
    EXPECT_EQ(moe_layer_run(keep.get(), &in, nullptr, nullptr, 0, nullptr), MOE_OK) << moe_last_error();
    return seen;
  }

  std::vector<std::string> names;
  std::vector<moe_source_desc> sources;
  moe_operand_desc input = {"input", 2, {-1, 1}, MOE_F32, 0};
  moe_weight_desc weight;
  moe_variant_desc variant;
  moe_layer_desc layer;
  moe_library_desc desc;
};

#endif // MOE_TEST_UNIT_RUNTIME_ONEWEIGHT_H
