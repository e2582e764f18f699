// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ways in which families name and store the tensors of a block, each shared by many of them.
#ifndef MOE_LIB_IMPORT_FAMILIES_LAYOUTS_H
#define MOE_LIB_IMPORT_FAMILIES_LAYOUTS_H

#include "moe/Import/ModelDescription.h"

namespace moe {

/// A gated block whose experts have one matrix a tensor, [F, D] for gate and up, [D, F] for down. The templates take
/// the place of "{e}".
struct PerExpertNames {
  std::string router, gate, up, down;
};

inline void setPerExpertWeights(BlockDescription &block, const PerExpertNames &names) {
  int64_t e = block.experts, d = block.modelWidth, f = block.body.width;
  block.router.weight = {"router", names.router, {e, d}};
  block.body.gate = WeightDescription{"gate", names.gate, {e, f, d}};
  block.body.up = {"up", names.up, {e, f, d}};
  block.body.down = {"down", names.down, {e, d, f}};
}

/// `prefix`.gate.weight and `prefix`.experts.{e}.gate_proj, up_proj, down_proj.
inline PerExpertNames projNames(const std::string &prefix) {
  std::string expert = prefix + ".experts.{e}.";
  return {prefix + ".gate.weight", expert + "gate_proj.weight", expert + "up_proj.weight", expert + "down_proj.weight"};
}

/// `prefix`.gate.weight and `prefix`.experts.{e}.w1, w3, w2: gate, up, down.
inline PerExpertNames wNames(const std::string &prefix) {
  std::string expert = prefix + ".experts.{e}.";
  return {prefix + ".gate.weight", expert + "w1.weight", expert + "w3.weight", expert + "w2.weight"};
}

} // namespace moe

#endif // MOE_LIB_IMPORT_FAMILIES_LAYOUTS_H
