// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops that are written once and compiled for several widths of vectors. The library as a whole runs on any x86-64.
#ifndef MOE_LIB_RUNTIME_CPU_VECTORISED_H
#define MOE_LIB_RUNTIME_CPU_VECTORISED_H

#include "moe/Runtime/Runtime.h"

/// What `vectorised` takes, and what that calls: code without a copy of its own, so that it is compiled anew in each
/// caller. Sums and products must not be contracted there, as results may not depend on the machine.
#define MOE_VECTORISABLE [[gnu::always_inline]] inline

namespace moe {

#if defined(__x86_64__)
template <auto body, typename... Args>
[[gnu::target("arch=x86-64-v4")]] void vectorisedV4(Args... args) {
  body(args...);
}
template <auto body, typename... Args>
[[gnu::target("arch=x86-64-v3")]] void vectorisedV3(Args... args) {
  body(args...);
}
#endif

/// Calls body(args...), compiled for the widest vectors of this machine. Asks for its features: worth it for loops over
/// thousands of elements.
template <auto body, typename... Args>
void vectorised(Args... args) {
#if defined(__x86_64__)
  const uint64_t features = moe_cpu_features();
  if (features & MOE_CPU_AVX512)
    return vectorisedV4<body>(args...);
  if (features & MOE_CPU_AVX2_FMA)
    return vectorisedV3<body>(args...);
#endif
  body(args...);
}

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_VECTORISED_H
