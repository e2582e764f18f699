// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// CPU features: what the kernel lists in /proc/cpuinfo, less what the mask takes away.
//===----------------------------------------------------------------------===//
#include "moe/Runtime/Runtime.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

TEST(CPUFeatures, AgreeWithTheKernel) {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line) && line.rfind("flags", 0) != 0)
    ;
  if (!info)
    GTEST_SKIP() << "no x86 flags in /proc/cpuinfo";
  auto listed = [&](const char *names) {
    std::istringstream words(names);
    std::string word;
    while (words >> word)
      if ((line + " ").find(" " + word + " ") == std::string::npos)
        return false;
    return true;
  };
  uint64_t features = moe_cpu_features();
  EXPECT_EQ(bool(features & MOE_CPU_AVX2_FMA), listed("avx2 fma f16c bmi1 bmi2 movbe"));
  EXPECT_EQ(bool(features & MOE_CPU_AVX512), listed("avx512f avx512cd avx512bw avx512dq avx512vl"));
  EXPECT_EQ(bool(features & MOE_CPU_AVX512_BF16), listed("avx512f avx512_bf16"));
  EXPECT_EQ(bool(features & MOE_CPU_AVX512_VNNI), listed("avx512f avx512_vnni"));
  EXPECT_EQ(bool(features & MOE_CPU_AVX_VNNI), listed("avx2 fma avx_vnni"));
  if (!listed("amx_tile")) // the kernel may still refuse tiles it lists
    EXPECT_FALSE(features & (MOE_CPU_AMX_TILE | MOE_CPU_AMX_BF16 | MOE_CPU_AMX_INT8));
}

TEST(CPUFeatures, MaskOnlyTakesAway) {
  uint64_t all = moe_cpu_features();
  setenv("MOE_CPU_FEATURES_MASK", "0", 1);
  EXPECT_EQ(moe_cpu_features(), 0u);
  setenv("MOE_CPU_FEATURES_MASK", "0x1", 1);
  EXPECT_EQ(moe_cpu_features(), all & MOE_CPU_AVX2_FMA);
  setenv("MOE_CPU_FEATURES_MASK", "0xffffffffffffffff", 1);
  EXPECT_EQ(moe_cpu_features(), all);
  unsetenv("MOE_CPU_FEATURES_MASK");
}

TEST(CPUFeatures, InWords) {
  char text[64];
  moe_cpu_features_string(MOE_CPU_AVX2_FMA | MOE_CPU_AVX512_BF16, text, sizeof text);
  EXPECT_STREQ(text, "avx2+fma avx512-bf16");
  moe_cpu_features_string(0, text, sizeof text);
  EXPECT_STREQ(text, "none");
  moe_cpu_features_string(UINT64_C(1) << 40, text, sizeof text);
  EXPECT_STREQ(text, "unknown-10000000000");
  char small[9] = "????????";
  moe_cpu_features_string(MOE_CPU_AVX2_FMA | MOE_CPU_AVX512, small, 6);
  EXPECT_STREQ(small, "avx2+");
  EXPECT_EQ(small[6], '?');
}
