// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Run.h - a compiled layer, from a file or from memory, ready to be called ---------------------------===//

#ifndef MOE_DRIVER_RUN_H
#define MOE_DRIVER_RUN_H

#include "moe/Driver/Input.h"
#include "moe/Driver/Tensor.h"
#include "moe/Target/Jit.h"

#include <memory>

namespace mlir::moe {

struct RunOptions {
  InputOptions input; ///< its path may also be a compiled library, *.so
  int64_t layer = -1; ///< MoE block; -1: the first one there is
  std::string cpu = "native";
  uint64_t seed = 0; ///< of random weights, and of random rows
  int threads = 0;   ///< 0: one for each CPU
  std::string dumpFolder;
  std::string packed;                     ///< file of packed weights to map or to write; empty: none
  bool verifyPacked = false;              ///< whether the checksums of the weights in it are compared, too
  std::vector<std::string> withoutPasses; ///< left out of the optimised path
};

struct PoolDeleter {
  void operator()(moe_pool *pool) const { moe_pool_destroy(pool); }
};
struct LibraryDeleter {
  void operator()(moe_library *library) const { moe_library_close(library); }
};
struct LayerDeleter {
  void operator()(moe_layer *layer) const { moe_layer_free(layer); }
};
using Pool = std::unique_ptr<moe_pool, PoolDeleter>;
using LoadedLayer = std::unique_ptr<moe_layer, LayerDeleter>;

Expected<Pool> makePool(int threads);

/// Is this a compiled library? A file called *.so.
bool isLibrary(const std::string &path);

/// Code that was compiled or opened, and the layer of it that was asked for.
class Program {
public:
  /// Opens a library, or compiles the input in this process.
  static Expected<std::unique_ptr<Program>> open(MLIRContext &context, const RunOptions &options, bool reference);

  const moe_layer_desc &layer() const { return *desc; }
  /// Whether rows between products are rounded to bytes (moe.round_rows); not known of a compiled library.
  bool roundsRows() const { return rowsAreRounded; }
  const moe_library_desc &library() const { return *moe_library_info(opened.get()); }

  /// Loads the weights; `copy` varies random ones. The first copy of optimised code may come from a packed file. Shows
  /// a progress bar on a terminal.
  Expected<LoadedLayer> load(const RunOptions &options, moe_pool *pool, uint64_t copy = 0) const;

private:
  Program() = default;
  Expected<Unit> choose(const RunOptions &options);

  // In this order: the code goes last.
  std::unique_ptr<JitLibrary> code;
  std::unique_ptr<moe_library, LibraryDeleter> opened;
  const moe_layer_desc *desc = nullptr;
  int64_t index = 0;
  bool reference = false, rowsAreRounded = false;
};

/// What became of --packed, as a line; empty without.
std::string packedText(const moe_layer *layer, const RunOptions &options);

/// The outputs of one call, in the descriptor's order.
Expected<std::vector<Tensor>> runLayer(const moe_layer *layer, std::vector<Tensor> &inputs, moe_pool *pool);

/// The rows a run works on, for each input of the layer: from a file, or random ones. `names` are those of the file's
/// tensors, with commas between them, in the order of the inputs.
Expected<std::vector<Tensor>> inputRows(const moe_layer_desc &layer, const std::string &file, const std::string &names,
                                        int64_t tokens, uint64_t seed);

/// The last error of the runtime on this thread.
::moe::Error runtimeError();

} // namespace mlir::moe

#endif // MOE_DRIVER_RUN_H
