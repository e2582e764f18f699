// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// What this machine can run: CPUID says what the processor has, XGETBV what the operating system saves, and for AMX the
// kernel must also be asked for permission. CPU names are never looked at: a virtual machine may show a newer model
// without its features.
//===----------------------------------------------------------------------===//
#include "moe/Runtime/Runtime.h"

#include <cstdio>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t xcr0() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

/// Linux gives a process tile registers only when it asks (arch_prctl ARCH_REQ_XCOMP_PERM for state 18, tile data).
static bool tilesGranted() { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

static uint64_t detect() {
  auto bit = [](uint32_t word, int index) { return (word >> index & 1) != 0; };
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) // OSXSAVE
    return 0;
  uint64_t saved = xcr0();
  bool fma = bit(c, 12), movbe = bit(c, 22), avx = bit(c, 28), f16c = bit(c, 29);
  uint32_t extended = 0;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    extended = c;
  bool lzcnt = bit(extended, 5);
  uint32_t b7, c7, d7, a71 = 0;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
    return 0;
  if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
    a71 = a;

  uint64_t features = 0;
  bool bmi = bit(b7, 3) && bit(b7, 8), avx2 = bit(b7, 5);
  if (!((saved & 0x6) == 0x6 && avx && avx2 && fma && f16c && movbe && lzcnt && bmi))
    return 0;
  features |= MOE_CPU_AVX2_FMA;
  if (bit(a71, 4))
    features |= MOE_CPU_AVX_VNNI;
  bool avx512 = bit(b7, 16) && bit(b7, 17) && bit(b7, 28) && bit(b7, 30) && bit(b7, 31);
  if ((saved & 0xe6) == 0xe6 && avx512) {
    features |= MOE_CPU_AVX512;
    if (bit(a71, 5))
      features |= MOE_CPU_AVX512_BF16;
    if (bit(c7, 11))
      features |= MOE_CPU_AVX512_VNNI;
  }
  if ((saved & 0x60000) == 0x60000 && bit(d7, 24) && tilesGranted()) {
    features |= MOE_CPU_AMX_TILE;
    if (bit(d7, 22))
      features |= MOE_CPU_AMX_BF16;
    if (bit(d7, 25))
      features |= MOE_CPU_AMX_INT8;
  }
  return features;
}
#else
static uint64_t detect() { return 0; }
#endif

uint64_t moe_cpu_features(void) {
  static const uint64_t detected = detect();
  if (const char *text = std::getenv("MOE_CPU_FEATURES_MASK")) {
    char *end;
    unsigned long long mask = std::strtoull(text, &end, 0);
    if (end != text && *end == 0)
      return detected & mask;
  }
  return detected;
}

void moe_cpu_features_string(uint64_t mask, char *text, size_t size) {
  static const struct {
    uint64_t feature;
    const char *name;
  } names[] = {
      {MOE_CPU_AVX2_FMA, "avx2+fma"},       {MOE_CPU_AVX512, "avx512"},     {MOE_CPU_AVX512_BF16, "avx512-bf16"},
      {MOE_CPU_AVX512_VNNI, "avx512-vnni"}, {MOE_CPU_AMX_TILE, "amx-tile"}, {MOE_CPU_AMX_BF16, "amx-bf16"},
      {MOE_CPU_AMX_INT8, "amx-int8"},       {MOE_CPU_AVX_VNNI, "avx-vnni"},
  };
  if (!text || size == 0)
    return;
  size_t used = 0;
  text[0] = 0;
  for (const auto &entry : names) {
    if (!(mask & entry.feature) || used >= size)
      continue;
    used += std::snprintf(text + used, size - used, "%s%s", used ? " " : "", entry.name);
    mask &= ~entry.feature;
  }
  if (mask && used < size)
    used += std::snprintf(text + used, size - used, "%sunknown-%llx", used ? " " : "",
                          static_cast<unsigned long long>(mask));
  if (used == 0)
    std::snprintf(text, size, "none");
}
