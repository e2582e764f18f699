// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled code, from this process or from a file, its layers, and layers with their weights.
#ifndef MOE_PYTHON_SRC_LIBRARY_H
#define MOE_PYTHON_SRC_LIBRARY_H

#include "Arrays.h"
#include "moe-c/Compiler.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// What the compiler or the runtime says about a failure; Python sees moe_mlir.CompileError or moe_mlir.Error.
struct CompileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct RuntimeFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct CodeDeleter {
  void operator()(moe_code *code) const { moe_code_free(code); }
};
struct LibraryDeleter {
  void operator()(moe_library *library) const { moe_library_close(library); }
};
struct LayerDeleter {
  void operator()(moe_layer *layer) const { moe_layer_free(layer); }
};
struct PoolDeleter {
  void operator()(moe_pool *pool) const { moe_pool_destroy(pool); }
};

/// Threads that layers run on.
struct Pool {
  explicit Pool(int threads);
  std::unique_ptr<moe_pool, PoolDeleter> pool;
};

/// Members are freed in reverse order: a wrapped library goes before its code.
struct Library {
  std::unique_ptr<moe_code, CodeDeleter> code;
  std::unique_ptr<moe_library, LibraryDeleter> library;

  const moe_library_desc &desc() const { return *moe_library_info(library.get()); }
};

/// A layer with its weights. It keeps the code alive.
struct Layer {
  std::shared_ptr<Library> library;
  std::shared_ptr<Pool> pool;
  std::unique_ptr<moe_layer, LayerDeleter> layer;
  const moe_layer_desc *desc = nullptr;
};

void bindLibrary(nb::module_ &module);
void bindLayer(nb::module_ &module);

#endif // MOE_PYTHON_SRC_LIBRARY_H
