// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The three machine-level primitives of the pool: sleep on a word, wake sleepers, pause in a spin.
#ifndef MOE_LIB_RUNTIME_CPU_FUTEX_H
#define MOE_LIB_RUNTIME_CPU_FUTEX_H

#include <atomic>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace moe {

static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free);

/// Sleeps while `word` holds `value`; may return for no reason.
inline void futexWait(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

inline void futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

inline void cpuPause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_FUTEX_H
