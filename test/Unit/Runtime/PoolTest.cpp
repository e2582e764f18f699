// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// moe_parallel_for: every task once, from any caller, in order, with all threads at work.
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <atomic>
#include <chrono>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <mutex>
#include <sched.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MOE_TEST_TSAN 1
#endif
#endif

using Body = std::function<void(int64_t, int64_t)>;

static void parallelFor(moe_pool *pool, int64_t tasks, const Body &body) {
  moe_parallel_for(
      pool, tasks, [](void *ctx, int64_t begin, int64_t end) { (*static_cast<const Body *>(ctx))(begin, end); },
      const_cast<Body *>(&body));
}

/// Runs `tasks` tasks with plain writes (so that a missing happens-before shows up under ThreadSanitizer).
static void expectEachOnce(moe_pool *pool, int64_t tasks) {
  std::vector<int> seen(size_t(std::max<int64_t>(tasks, 0)), 0);
  parallelFor(pool, tasks, [&](int64_t begin, int64_t end) {
    ASSERT_TRUE(0 <= begin && begin < end && end <= tasks);
    for (; begin < end; ++begin)
      ++seen[size_t(begin)];
  });
  for (int count : seen)
    ASSERT_EQ(count, 1);
}

/// True when two threads are inside tasks of one call at the same time.
static bool twoAtOnce(moe_pool *pool) {
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  parallelFor(pool, 2, [&](int64_t, int64_t) {
    ++inside;
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (inside.load() < 2 && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    if (inside.load() == 2)
      met = true;
  });
  return met;
}

class PoolTest : public testing::Test {
protected:
  void SetUp() override { setenv("MOE_POOL", "own", 1); } // whatever OpenMP runtime the process may have
};

TEST_F(PoolTest, RunsEachTaskOnce) {
  for (int threads : {1, 2, 3, 8}) {
    Pool pool = makePool(threads);
    ASSERT_EQ(moe_pool_threads(pool.get()), threads);
    for (int64_t tasks : {-1, 0, 1, 2, 3, 63, 64, 1000, 100000})
      expectEachOnce(pool.get(), tasks);
  }
}

TEST_F(PoolTest, NoPoolIsSerial) {
  int calls = 0;
  parallelFor(nullptr, 5, [&](int64_t begin, int64_t end) {
    EXPECT_TRUE(begin == 0 && end == 5);
    ++calls;
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(moe_pool_threads(nullptr), 1);
}

TEST_F(PoolTest, DefaultIsTheUsableCpus) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(moe_pool_threads(makePool(0).get()), CPU_COUNT(&set));
}

TEST_F(PoolTest, WorkersTakePart) {
  Pool pool = makePool(2);
  EXPECT_TRUE(twoAtOnce(pool.get()));
  std::this_thread::sleep_for(std::chrono::milliseconds(20)); // longer than workers spin
  EXPECT_TRUE(twoAtOnce(pool.get()));
}

TEST_F(PoolTest, HandsOutInOrder) {
  Pool pool = makePool(3);
  for (int round = 0; round < 50; ++round) {
    std::mutex lock;
    std::map<std::thread::id, int64_t> last;
    int64_t highest = -1;
    parallelFor(pool.get(), 100, [&](int64_t begin, int64_t end) {
      std::lock_guard<std::mutex> held(lock);
      auto [entry, fresh] = last.try_emplace(std::this_thread::get_id(), -1);
      EXPECT_GE(begin, entry->second); // each thread sees rising indices
      entry->second = end;
      highest = std::max(highest, begin);
    });
    EXPECT_EQ(highest, 99);
  }
}

TEST_F(PoolTest, SleepersMissNoJob) {
  setenv("MOE_SPIN_US", "0", 1); // workers go to sleep as soon as they can
  Pool pool = makePool(2);
  unsetenv("MOE_SPIN_US");
  for (int i = 0; i < 2000; ++i) {
    expectEachOnce(pool.get(), 2 + i % 5);
    if (i % 100 == 0)
      EXPECT_TRUE(twoAtOnce(pool.get()));
  }
}

TEST_F(PoolTest, ConcurrentCallersAllProgress) {
  Pool pool = makePool(2);
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&, c] {
      for (int i = 0; i < 2000; ++i)
        expectEachOnce(pool.get(), (i * 7 + c) % 40);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST_F(PoolTest, NestedCallsRun) {
  Pool pool = makePool(3);
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> inner{0};
    parallelFor(pool.get(), 8, [&](int64_t begin, int64_t end) {
      for (; begin < end; ++begin) {
        std::thread::id here = std::this_thread::get_id();
        parallelFor(pool.get(), 5, [&](int64_t b, int64_t e) {
          EXPECT_EQ(std::this_thread::get_id(), here); // serial
          inner += int(e - b);
        });
      }
    });
    ASSERT_EQ(inner, 40);
  }
}

TEST_F(PoolTest, PoolsComeAndGo) {
  for (int i = 0; i < 200; ++i) {
    Pool pool = makePool(1 + i % 4);
    if (i % 2)
      expectEachOnce(pool.get(), 10);
  }
}

TEST_F(PoolTest, ForkedChildHasWorkers) {
#ifdef MOE_TEST_TSAN
  GTEST_SKIP() << "ThreadSanitizer does not start threads after a fork";
#endif
  Pool pool = makePool(2);
  expectEachOnce(pool.get(), 10);
  // Forked while another thread uses the pool, so that the copied state is as bad as it gets.
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop)
      expectEachOnce(pool.get(), 10);
  });
  for (int i = 0; i < 20; ++i) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(60);
      bool parallel = twoAtOnce(pool.get());
      pool.reset(); // must not wait for the parent's threads
      _exit(parallel ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  stop = true;
  other.join();
  EXPECT_TRUE(twoAtOnce(pool.get()));
}

// Last: from here on the process has an OpenMP runtime.
TEST(PoolWithOpenMP, BorrowsTheTeam) {
#ifdef MOE_TEST_TSAN
  GTEST_SKIP() << "libgomp is not instrumented";
#endif
  unsetenv("MOE_POOL");
  Pool before = makePool(2);
  void *gomp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!gomp)
    GTEST_SKIP() << "no libgomp on this machine";
  auto parallel =
      reinterpret_cast<void (*)(void (*)(void *), void *, unsigned, unsigned)>(dlsym(gomp, "GOMP_parallel"));
  ASSERT_TRUE(parallel);
  static std::mutex lock;
  static std::set<std::thread::id> team;
  parallel(
      [](void *) {
        std::lock_guard<std::mutex> held(lock);
        team.insert(std::this_thread::get_id());
      },
      nullptr, 2, 0);
  ASSERT_EQ(team.size(), 2u);
  Pool after = makePool(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(50)); // the workers of `before` go to sleep
  for (moe_pool *pool : {before.get(), after.get()}) {
    expectEachOnce(pool, 1000);
    EXPECT_TRUE(twoAtOnce(pool));
    parallelFor(pool, 1000, [&](int64_t, int64_t) {
      std::lock_guard<std::mutex> held(lock);
      EXPECT_TRUE(team.count(std::this_thread::get_id()));
    });
  }
}
