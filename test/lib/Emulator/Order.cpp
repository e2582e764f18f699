// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Order.cpp - what happens before what in a block: vector clocks -------------------------------------===//

#include "Order.h"

#include <algorithm>

using namespace moe::emulator;

Order::Order(uint32_t threads) : count(threads), threads(threads) {
  auto nothing = std::make_shared<const Clocks>(3 * count + maxWarps + maxBarriers, 0);
  for (Thread &thread : this->threads)
    thread.seen = nothing;
}

std::string Order::nameOf(Actor actor) const {
  auto threadText = [](uint32_t thread) {
    return "thread " + std::to_string(thread) + " (warp " + std::to_string(thread / 32) + ", lane " +
           std::to_string(thread % 32) + ")";
  };
  if (actor < count)
    return threadText(actor);
  if (actor < 2 * count)
    return "a cp.async of " + threadText(actor - count);
  if (actor < 3 * count)
    return "a bulk store of " + threadText(actor - 2 * count);
  if (actor < 3 * count + maxWarps)
    return "a wgmma of warp " + std::to_string(actor - 3 * count);
  return "a bulk copy reporting to mbarrier " + std::to_string(actor - 3 * count - maxWarps);
}

uint32_t Order::seenAt(uint32_t thread, Actor actor) const {
  const Thread &self = threads[thread];
  if (actor == thread)
    return self.now;
  if (actor == copiesOf(thread))
    return self.copies;
  if (actor == storesOf(thread))
    return self.stores;
  return (*self.seen)[actor];
}

bool Order::hasSeen(uint32_t thread, Epoch epoch) const {
  return epoch.when == 0 || epoch.when <= seenAt(thread, epoch.actor);
}

bool Order::hasFenced(uint32_t thread, Epoch epoch) const {
  const SharedClocks &fenced = threads[thread].fenced;
  return epoch.when == 0 || (fenced && epoch.when <= (*fenced)[epoch.actor]);
}

Clocks Order::all(uint32_t thread) const {
  Clocks result = *threads[thread].seen;
  result[thread] = threads[thread].now;
  result[copiesOf(thread)] = threads[thread].copies;
  result[storesOf(thread)] = threads[thread].stores;
  return result;
}

SharedClocks Order::join(const SharedClocks &a, const SharedClocks &b) {
  if (!a || a == b)
    return b;
  if (!b)
    return a;
  auto result = std::make_shared<Clocks>(*a);
  for (size_t i = 0; i != result->size(); ++i)
    (*result)[i] = std::max((*result)[i], (*b)[i]);
  return result;
}

SharedClocks Order::release(uint32_t thread) {
  auto result = std::make_shared<const Clocks>(all(thread));
  ++threads[thread].now;
  return result;
}

void Order::acquire(uint32_t thread, const SharedClocks &clocks) {
  threads[thread].seen = join(threads[thread].seen, clocks);
}

void Order::acquireFences(uint32_t thread, const SharedClocks &fences) {
  threads[thread].fenced = join(threads[thread].fenced, fences);
}

void Order::synchronize(const std::vector<uint32_t> &members) {
  if (members.empty())
    return;
  auto result = std::make_shared<Clocks>(*threads[members.front()].seen);
  SharedClocks fences, last = threads[members.front()].seen;
  for (uint32_t member : members) {
    Thread &self = threads[member];
    // After a barrier all have seen the same, so most of the time there is one vector for all of them.
    if (self.seen != last) {
      last = self.seen;
      for (size_t i = 0; i != result->size(); ++i)
        (*result)[i] = std::max((*result)[i], (*last)[i]);
    }
    fences = join(fences, self.fenced);
  }
  for (uint32_t member : members) {
    (*result)[member] = threads[member].now++;
    (*result)[copiesOf(member)] = threads[member].copies;
    (*result)[storesOf(member)] = threads[member].stores;
  }
  for (uint32_t member : members) {
    threads[member].seen = result;
    threads[member].fenced = fences;
  }
}

void Order::fenceProxy(uint32_t thread) {
  acquireFences(thread, std::make_shared<const Clocks>(all(thread)));
  ++threads[thread].now; // later writes are not covered
}

void Order::complete(uint32_t thread, Actor actor, uint32_t when) {
  Thread &self = threads[thread];
  if (actor == copiesOf(thread)) {
    self.copies = std::max(self.copies, when);
  } else if (actor == storesOf(thread)) {
    self.stores = std::max(self.stores, when);
  } else if ((*self.seen)[actor] < when) {
    auto seen = std::make_shared<Clocks>(*self.seen);
    (*seen)[actor] = when;
    self.seen = seen;
  }
}
