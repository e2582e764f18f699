// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Fiber.h - a function that can be left in the middle and come back to -------------------------------===//

#ifndef MOE_TEST_LIB_EMULATOR_FIBER_H
#define MOE_TEST_LIB_EMULATOR_FIBER_H

#include <csetjmp>
#include <cstddef>

namespace moe::emulator {

/// One at a time runs, always started by `resume` from outside and left by `leave` from inside. Made by makecontext;
/// after that _setjmp and _longjmp switch, which unlike swapcontext make no system call.
class Fiber {
public:
  Fiber() = default;
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;
  ~Fiber();

  /// The next resume calls body(argument) from its start. What the fiber was in the middle of is forgotten.
  void reset(void (*body)(void *), void *argument);
  void resume();
  void leave();
  bool onStack(const void *address) const;

private:
  static void enter();

  static constexpr size_t stackBytes = size_t(256) << 10;
  char *stack = nullptr;
  void (*body)(void *) = nullptr;
  void *argument = nullptr;
  bool started = false;
  jmp_buf inside, outside;
};

} // namespace moe::emulator

#endif // MOE_TEST_LIB_EMULATOR_FIBER_H
