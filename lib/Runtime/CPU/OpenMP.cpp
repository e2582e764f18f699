// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Finds an OpenMP runtime among the loaded libraries. PyTorch brings one, and its idle threads spin for milliseconds:
// beside them a second set of threads gets no core and every call runs on one. So a pool works with the team that is
// there. Nothing is linked against or loaded for this.
//===----------------------------------------------------------------------===//
#include "OpenMP.h"

#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <link.h>

using namespace moe;

namespace {

struct Search {
  unsigned long long seenLibraries; // loads so far, as the dynamic linker counts them
  unsigned long long libraries = 0;
  char path[4096] = {};
};

int look(dl_phdr_info *info, size_t, void *data) {
  auto *search = static_cast<Search *>(data);
  search->libraries = info->dlpi_adds;
  if (info->dlpi_adds == search->seenLibraries)
    return 1; // nothing new
  const char *slash = std::strrchr(info->dlpi_name, '/');
  const char *file = slash ? slash + 1 : info->dlpi_name;
  for (const char *prefix : {"libgomp", "libomp.", "libomp-", "libiomp5"}) {
    if (std::strncmp(file, prefix, std::strlen(prefix)) == 0 && std::strlen(info->dlpi_name) < sizeof search->path) {
      std::strcpy(search->path, info->dlpi_name);
      return 1;
    }
  }
  return 0;
}

} // namespace

OpenMPRegion moe::findOpenMP() {
  static std::atomic<OpenMPRegion> found{nullptr};
  static std::atomic<unsigned long long> seen{0};
  if (OpenMPRegion region = found.load(std::memory_order_acquire))
    return region;
  Search search{seen.load(std::memory_order_relaxed)};
  dl_iterate_phdr(look, &search);
  if (search.path[0]) {
    // The handle is kept, so that the library stays as long as we may call it.
    if (void *handle = dlopen(search.path, RTLD_LAZY | RTLD_NOLOAD)) {
      if (void *symbol = dlsym(handle, "GOMP_parallel"))
        found.store(reinterpret_cast<OpenMPRegion>(symbol), std::memory_order_release);
      else
        dlclose(handle);
    }
  }
  seen.store(search.libraries, std::memory_order_relaxed);
  return found.load(std::memory_order_acquire);
}
