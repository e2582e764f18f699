// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The thread pool behind moe_parallel_for: one job at a time, tasks handed out by a counter, no lock anywhere.
//
// All that workers and the caller agree on is one word, the gate:
//
//     epoch (14 bits) | caller sleeps (1) | open (1) | workers inside (16)
//
// A worker enters by incrementing the count while the gate is open. The caller closes the gate when no task is left to
// hand out, and returns once the count is zero. So it waits for workers that took a task and never for one that is
// still asleep or displaced: on a busy machine a call then costs what it would cost without that worker.
//
// Workers spin for a bounded time after a job, then sleep on a futex. When the process has an OpenMP runtime, its team
// runs the tasks instead (see OpenMP.cpp) and the workers sleep on. docs/abi.md (threads) has the rules for callers,
// benchmarks/results/ the measurements that this was chosen by.
//===----------------------------------------------------------------------===//
#include "Error.h"
#include "Futex.h"
#include "OpenMP.h"
#include "moe/Runtime/Runtime.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <vector>

using namespace moe;

namespace {

constexpr uint32_t insideMask = 0xffff;
constexpr uint32_t openBit = 1u << 16;
constexpr uint32_t callerSleepsBit = 1u << 17;
constexpr uint32_t epochOne = 1u << 18;
constexpr int maxThreads = 4096;

int usableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // A kernel with more CPUs than the set holds refuses it; then the online count is the best there is.
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
}

/// Leaves a core for any other this thread may use; gives way on it when there is none. The thread's affinity is what
/// it was before.
void leaveCore(int core) {
  cpu_set_t allowed, others;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1) {
    others = allowed;
    CPU_CLR(core, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) {
      sched_setaffinity(0, sizeof allowed, &allowed);
      return;
    }
  }
  sched_yield();
}

/// A spin that looks around only now and then, since a pause takes 5 to 150 cycles depending on the processor.
class BoundedSpin {
public:
  explicit BoundedSpin(std::chrono::nanoseconds limit) : limit(limit) {}

  /// Pauses once; false when the time is over. On a busy machine the scheduler may put a worker on the core of the very
  /// caller whose next job it waits for, and leave both there: `avoid` is that core.
  bool again(int avoid = -1) {
    if (limit.count() == 0)
      return false;
    cpuPause();
    if (++turns % 64 != 0)
      return true;
    if (avoid >= 0 && sched_getcpu() == avoid)
      leaveCore(avoid);
    auto now = std::chrono::steady_clock::now();
    if (turns == 64)
      start = now;
    return now - start < limit;
  }

private:
  std::chrono::nanoseconds limit;
  std::chrono::steady_clock::time_point start;
  uint64_t turns = 0;
};

struct Job {
  moe_task_fn fn;
  void *ctx;
  int64_t tasks;
  int64_t chunk;
};

} // namespace

struct moe_pool {
  // Written by the caller that owns the pool, each on its own cache line.
  alignas(64) std::atomic<uint32_t> gate{0};
  std::atomic<int> callerCore{-1};
  Job job{}; // beside the gate: whoever sees the gate open needs it next
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<bool> busy{false};
  std::atomic<bool> stop{false};
  // Written when workers go to sleep and when jobs start.
  alignas(64) std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> wakeWord{0};

  // For the owner of `busy`.
  OpenMPRegion region = nullptr;
  bool mayBorrow = true;
  bool needsWorkers = false;

  int threads = 1;
  std::chrono::nanoseconds workerSpin{0};
  std::chrono::nanoseconds callerSpin{0};
  std::vector<pthread_t> workers;
  moe_pool *previous = nullptr, *following = nullptr; // the list of all pools

  bool startWorkers();
  void orphan();
  void parallelFor(int64_t tasks, moe_task_fn fn, void *ctx);
  void runWithWorkers();
  void runTasks();
  void waitForWorkers();
  void workerLoop();
  bool enter(uint32_t &seen);
  bool leave();
  void sleep(uint32_t seen);
};

static void *workerMain(void *pool) {
  static_cast<moe_pool *>(pool)->workerLoop();
  return nullptr;
}

bool moe_pool::startWorkers() {
  // Signals are for the program's own threads.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool complete = true;
  while (int(workers.size()) < threads - 1) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, workerMain, this) != 0) {
      complete = false;
      break;
    }
    pthread_setname_np(thread, "moe-worker");
    workers.push_back(thread); // capacity was reserved by moe_pool_create
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  return complete;
}

/// Runs in a forked child while it has one thread. The words may show a job of another thread of the parent.
void moe_pool::orphan() {
  gate.store(0);
  sleepers.store(0);
  busy.store(false);
  workers.clear();
  region = nullptr;
  mayBorrow = false; // the threads of the OpenMP team stayed in the parent too, and it does not know
  needsWorkers = true;
}

// Creating, destroying and forking take the lock of the list of pools; running does not.
static pthread_mutex_t poolsLock = PTHREAD_MUTEX_INITIALIZER;
static moe_pool *pools = nullptr;

static void beforeFork() { pthread_mutex_lock(&poolsLock); }
static void afterForkInParent() { pthread_mutex_unlock(&poolsLock); }
static void afterForkInChild() {
  for (moe_pool *pool = pools; pool; pool = pool->following)
    pool->orphan();
  pthread_mutex_unlock(&poolsLock);
}

static void enlist(moe_pool *pool) {
  static const int registered = pthread_atfork(beforeFork, afterForkInParent, afterForkInChild);
  (void)registered; // it fails only for want of memory; then only forked children suffer
  pthread_mutex_lock(&poolsLock);
  pool->following = pools;
  if (pools)
    pools->previous = pool;
  pools = pool;
  pthread_mutex_unlock(&poolsLock);
}

static void delist(moe_pool *pool) {
  pthread_mutex_lock(&poolsLock);
  (pool->previous ? pool->previous->following : pools) = pool->following;
  if (pool->following)
    pool->following->previous = pool->previous;
  pthread_mutex_unlock(&poolsLock);
}

void moe_pool::runTasks() {
  const Job mine = job;
  for (;;) {
    int64_t begin = next.fetch_add(mine.chunk, std::memory_order_relaxed);
    if (begin >= mine.tasks)
      return;
    mine.fn(mine.ctx, begin, std::min(begin + mine.chunk, mine.tasks));
  }
}

void moe_pool::parallelFor(int64_t tasks, moe_task_fn fn, void *ctx) {
  // Reading first keeps the line shared while another caller works.
  if (busy.load(std::memory_order_relaxed) || busy.exchange(true, std::memory_order_acquire)) {
    fn(ctx, 0, tasks);
    return;
  }
  // One task at a time keeps the order of the list; very long lists of small tasks go out in short runs.
  job = {fn, ctx, tasks, std::max<int64_t>(1, tasks / (int64_t(threads) * 256))};
  next.store(0, std::memory_order_relaxed);
  // Somebody may have loaded an OpenMP runtime since the last look; when a worker must be woken, looking is cheap.
  if (mayBorrow && !region && sleepers.load(std::memory_order_relaxed) != 0)
    region = findOpenMP();
  if (region)
    region([](void *pool) { static_cast<moe_pool *>(pool)->runTasks(); }, this, unsigned(threads), 0);
  else
    runWithWorkers();
  busy.store(false, std::memory_order_release);
}

void moe_pool::runWithWorkers() {
  if (needsWorkers) {
    needsWorkers = false;
    startWorkers(); // with fewer workers than wanted, or none, all still works
  }
  callerCore.store(sched_getcpu(), std::memory_order_relaxed);
  uint32_t epoch = (gate.load(std::memory_order_relaxed) & ~(epochOne - 1)) + epochOne;
  // Either a worker that is about to sleep sees the open gate, or this thread sees the sleeper: both are seq_cst.
  gate.store(epoch | openBit, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0) {
    wakeWord.fetch_add(1, std::memory_order_release);
    futexWake(wakeWord, int(std::min<int64_t>(job.tasks - 1, threads - 1)));
  }
  runTasks();
  gate.fetch_and(~openBit, std::memory_order_acq_rel);
  waitForWorkers();
}

void moe_pool::waitForWorkers() {
  BoundedSpin spin(callerSpin);
  while (gate.load(std::memory_order_acquire) & insideMask) {
    if (spin.again())
      continue;
    uint32_t value = gate.fetch_or(callerSleepsBit, std::memory_order_acq_rel) | callerSleepsBit;
    if (value & insideMask)
      futexWait(gate, value);
  }
}

/// Joins the open job, unless it is the one this worker has just emptied.
bool moe_pool::enter(uint32_t &seen) {
  uint32_t value = gate.load(std::memory_order_acquire);
  while ((value & openBit) && (value & ~(epochOne - 1)) != seen) {
    if (gate.compare_exchange_weak(value, value + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      seen = value & ~(epochOne - 1);
      return true;
    }
  }
  return false;
}

/// Returns whether the caller was so long without an answer that it had gone to sleep.
bool moe_pool::leave() {
  uint32_t before = gate.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & callerSleepsBit) && (before & insideMask) == 1)
    futexWake(gate, 1);
  return before & callerSleepsBit;
}

void moe_pool::sleep(uint32_t seen) {
  uint32_t word = wakeWord.load(std::memory_order_acquire);
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  uint32_t value = gate.load(std::memory_order_seq_cst);
  bool work = (value & openBit) && (value & ~(epochOne - 1)) != seen;
  if (!work && !stop.load(std::memory_order_seq_cst))
    futexWait(wakeWord, word);
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
}

void moe_pool::workerLoop() {
  bool late = false;
  uint32_t seen = 1; // no epoch: these have their low bits clear
  while (!stop.load(std::memory_order_acquire)) {
    // After a wait that long, cores are scarce: the caller may be waiting for the very core a spin would hold.
    BoundedSpin spin(late ? std::chrono::nanoseconds(0) : workerSpin);
    bool entered = false;
    do
      entered = enter(seen);
    while (!entered && !stop.load(std::memory_order_relaxed) && spin.again(callerCore.load(std::memory_order_relaxed)));
    if (entered) {
      runTasks();
      late = leave();
    } else {
      sleep(seen);
      late = false;
    }
  }
}

static std::chrono::nanoseconds spinTime(const char *variable, int64_t microseconds) {
  if (const char *text = std::getenv(variable)) {
    char *end;
    long long value = std::strtoll(text, &end, 10);
    if (end != text && *end == 0 && value >= 0 && value <= 1000000)
      microseconds = value;
  }
  return std::chrono::microseconds(microseconds);
}

moe_status moe_pool_create(int threads, moe_pool **pool) {
  return guard([&] {
    if (!pool)
      return fail(MOE_INVALID_ARGUMENT, "moe_pool_create: pool is null");
    *pool = nullptr;
    if (threads < 0 || threads > maxThreads)
      return fail(MOE_INVALID_ARGUMENT, "moe_pool_create: expected 0 to %d threads, got %d", maxThreads, threads);
    auto *created = new moe_pool;
    created->threads = threads ? threads : std::min(usableCpus(), maxThreads);
    // More threads than CPUs: who spins then keeps another from working.
    bool crowded = created->threads > usableCpus();
    created->workerSpin = crowded ? std::chrono::nanoseconds(0) : spinTime("MOE_SPIN_US", 5000);
    created->callerSpin = crowded ? std::chrono::nanoseconds(0) : spinTime("MOE_CALLER_SPIN_US", 50);
    try {
      created->workers.reserve(created->threads - 1);
    } catch (...) {
      delete created;
      throw;
    }
    enlist(created);
    const char *mode = std::getenv("MOE_POOL");
    created->mayBorrow = !mode || std::strcmp(mode, "own") != 0;
    created->region = created->mayBorrow ? findOpenMP() : nullptr;
    created->needsWorkers = created->region != nullptr;
    if (!created->needsWorkers && !created->startWorkers()) {
      int started = int(created->workers.size());
      moe_pool_destroy(created);
      return fail(MOE_OUT_OF_MEMORY, "moe_pool_create: expected to start %d threads, got %d; ask for fewer",
                  threads - 1, started);
    }
    *pool = created;
    return MOE_OK;
  });
}

void moe_pool_destroy(moe_pool *pool) {
  if (!pool)
    return;
  pool->stop.store(true, std::memory_order_seq_cst);
  pool->wakeWord.fetch_add(1, std::memory_order_seq_cst);
  futexWake(pool->wakeWord, maxThreads);
  for (pthread_t worker : pool->workers)
    pthread_join(worker, nullptr);
  delist(pool);
  delete pool;
}

int moe_pool_threads(const moe_pool *pool) { return pool ? pool->threads : 1; }

void moe_parallel_for(moe_pool *pool, int64_t tasks, moe_task_fn fn, void *ctx) {
  if (tasks <= 0)
    return;
  if (!pool || pool->threads == 1 || tasks == 1)
    fn(ctx, 0, tasks);
  else
    pool->parallelFor(tasks, fn, ctx);
}
