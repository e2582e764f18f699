// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CHeader.h - the C header of a compiled library -----------------------------------------------------===//

#ifndef MOE_TARGET_CHEADER_H
#define MOE_TARGET_CHEADER_H

#include "moe/Target/LayerInfo.h"

#include "llvm/Support/raw_ostream.h"

namespace mlir::moe {

/// Writes the header: the constants of each layer, the library's one function, and how to call it. `name` is the
/// library's ("mixtral"); macros begin with it.
void writeCHeader(ArrayRef<LayerInfo> layers, StringRef name, llvm::raw_ostream &os);

} // namespace mlir::moe

#endif // MOE_TARGET_CHEADER_H
