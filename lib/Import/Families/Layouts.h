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

/// Two tensors for all experts: gate above up, [E, 2F, D], and down, [E, D, F].
inline void setStackedWeights(BlockDescription &block, const std::string &router, const std::string &gateUp,
                              const std::string &down) {
  int64_t e = block.experts, d = block.modelWidth, f = block.body.width;
  block.router.weight = {"router", router, {e, d}};
  block.body.gate = WeightDescription{"gate", gateUp, {e, f, d}, false, RowPart::FirstHalf};
  block.body.up = {"up", gateUp, {e, f, d}, false, RowPart::SecondHalf};
  block.body.down = {"down", down, {e, d, f}};
}

/// The bias that an expert's score gets for the choice only.
inline void setSelectionBias(BlockDescription &block, const std::string &name) {
  block.router.selectionBias = WeightDescription{"selection_bias", name, {block.experts}};
}

/// A gated expert of width `width` that every token visits: `prefix`.gate_proj, up_proj, down_proj. With the name of
/// a `gate` [1, D], its sigmoid weighs the expert.
inline void setSharedExpert(BlockDescription &block, const std::string &prefix, int64_t width,
                            const std::string &gate = "") {
  int64_t d = block.modelWidth;
  SharedExpertDescription shared;
  shared.body.width = width;
  shared.body.activation = block.body.activation;
  std::vector<int64_t> in = {width, d}, out = {d, width};
  if (!gate.empty()) {
    shared.gate = WeightDescription{"shared_router", gate, {1, d}};
    in.insert(in.begin(), 1);
    out.insert(out.begin(), 1);
  }
  auto weight = [&](const char *role, const char *name, const std::vector<int64_t> &shape) {
    WeightDescription result = {role, prefix + name, shape};
    result.below = !gate.empty(); // one expert, stored as the matrix it is
    return result;
  };
  shared.body.gate = weight("shared_gate", ".gate_proj.weight", in);
  shared.body.up = weight("shared_up", ".up_proj.weight", in);
  shared.body.down = weight("shared_down", ".down_proj.weight", out);
  block.shared = {shared};
}

/// "model.layers.N": what most families call a layer.
inline std::string layerName(int64_t layer) { return "model.layers." + std::to_string(layer); }

} // namespace moe

#endif // MOE_LIB_IMPORT_FAMILIES_LAYOUTS_H
