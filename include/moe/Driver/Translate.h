// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Translate.h - what moe-translate does --------------------------------------------------------------===//

#ifndef MOE_DRIVER_TRANSLATE_H
#define MOE_DRIVER_TRANSLATE_H

#include "moe/Driver/Input.h"

namespace mlir::moe {

enum class Translation { ImportHuggingFace, CHeader, PTX, Describe, ListArchitectures };

/// Writes the translation of the input to a file; "-" is standard output.
Expected<Unit> translateToFile(MLIRContext &context, Translation translation, const InputOptions &input,
                               StringRef output, StringRef chip);

} // namespace mlir::moe

#endif // MOE_DRIVER_TRANSLATE_H
