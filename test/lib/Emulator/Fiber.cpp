// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Fiber.cpp - a function that can be left in the middle and come back to -----------------------------===//

#include "Fiber.h"

#include <cassert>
#include <sys/mman.h>
#include <ucontext.h>

using namespace moe::emulator;

/// makecontext hands over ints alone, so the fiber to enter is left here.
static Fiber *entering;

Fiber::~Fiber() {
  if (stack)
    munmap(stack, stackBytes);
}

void Fiber::reset(void (*newBody)(void *), void *newArgument) {
  if (!stack) {
    void *memory =
        mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(memory != MAP_FAILED && "no memory for a stack");
    stack = static_cast<char *>(memory);
    mprotect(stack, 4096, PROT_NONE); // an overflow is a fault, not a write into the neighbour's stack
  }
  body = newBody;
  argument = newArgument;
  started = false;
}

void Fiber::enter() {
  Fiber *self = entering;
  self->body(self->argument);
  self->leave();
  __builtin_unreachable(); // nobody resumes a fiber whose body has returned
}

void Fiber::resume() {
  if (_setjmp(outside) != 0)
    return;
  if (started)
    _longjmp(inside, 1);
  started = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = stackBytes;
  context.uc_link = nullptr;
  makecontext(&context, &Fiber::enter, 0);
  entering = this;
  setcontext(&context);
}

void Fiber::leave() {
  if (_setjmp(inside) == 0)
    _longjmp(outside, 1);
}

bool Fiber::onStack(const void *address) const {
  return static_cast<const char *>(address) >= stack && static_cast<const char *>(address) < stack + stackBytes;
}
