// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PanelPrefetch.h - the next panel is brought near while a tile is multiplied ------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_TILEKERNELS_PANELPREFETCH_H
#define MOE_LIB_CODEGEN_CPU_TILEKERNELS_PANELPREFETCH_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Prefetches of one panel into the second-level cache, in equal shares spread over the steps of a tile. Lines come in
/// order, or as several streams side by side, each an equal part of the panel. Which is best is the machine's: where a
/// prefetch that waits for memory holds what loads from the second-level cache need, the hardware's streamers of
/// several pages run ahead of it; where they are disturbed by a jump, one stream is faster.
class PanelPrefetch {
public:
  /// Prefetches `panel`, a tensor with a static shape, in `steps` shares (an index, 0 counts as 1), or nothing where
  /// `wanted` (an i1, null for always) is false.
  PanelPrefetch(OpBuilder &b, Location loc, Value panel, Value steps, int64_t streams, Value wanted = {});

  /// Emits the shares of `steps` steps that begin at line `line`, an index; what lies behind the panel is left out.
  void emit(OpBuilder &b, Location loc, Value line, int64_t steps = 1) const;
  /// The line at which the share `steps` (an index) after that of `line` begins.
  Value advance(OpBuilder &b, Location loc, Value line, Value steps) const;

private:
  Value buffer; ///< the panel as one row of elements
  Value share;  ///< lines of a share, an index
  int64_t lines, lineElements, streams;
};

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_TILEKERNELS_PANELPREFETCH_H
