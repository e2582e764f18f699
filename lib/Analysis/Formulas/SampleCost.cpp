// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SampleCost.cpp - what routing patches of a sample costs --------------------------------------------===//

#include "moe/Analysis/Formulas/SampleCost.h"

using namespace moe::analysis;

PatchCost moe::analysis::patchCost(const PatchInputs &in) {
  return {2 * in.taken * in.width * in.neurons, 2 * in.patches * in.experts * in.width,
          2 * in.patches * in.width * in.neurons, in.taken / in.patches};
}
