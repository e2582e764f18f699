// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The OpenMP runtime that somebody else brought into this process, if there is one.
#ifndef MOE_LIB_RUNTIME_CPU_OPENMP_H
#define MOE_LIB_RUNTIME_CPU_OPENMP_H

namespace moe {

/// Runs fn(data) on each thread of the calling thread's team. libgomp, LLVM's libomp and Intel's libiomp5 all have it.
using OpenMPRegion = void (*)(void (*fn)(void *), void *data, unsigned threads, unsigned flags);

/// Null when no OpenMP runtime is loaded. Cheap when no library was loaded since the last call.
OpenMPRegion findOpenMP();

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_OPENMP_H
