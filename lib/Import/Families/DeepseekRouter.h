// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The router of DeepSeek-V3, which several families took over: f32 throughout; sigmoid scores get a bias for the
// choice, which happens within the best groups of experts; the weights are renormalised and scaled.
#ifndef MOE_LIB_IMPORT_FAMILIES_DEEPSEEKROUTER_H
#define MOE_LIB_IMPORT_FAMILIES_DEEPSEEKROUTER_H

#include "moe/Import/Config.h"

#include <algorithm>

namespace moe {

/// What a config leaves out means something else in each model.
struct DeepseekRouterDefaults {
  int64_t groups, keep;
  double scale;
};

/// Fills in all of the router but its weights; reads `block.experts` and `block.topK`.
inline void describeDeepseekRouter(BlockDescription &block, ConfigReader &reader,
                                   const DeepseekRouterDefaults &defaults) {
  RouterDescription &router = block.router;
  router.score = ScoreFunction::Sigmoid;
  router.over = NormalizeOver::Each;
  router.projection = Precision::F32;
  if (reader.boolean({"norm_topk_prob"}, true))
    router.renormalize = Renormalize{1.0, 1e-20, 0.0};
  router.scale = reader.real({"routed_scaling_factor"}, 1e-6, 1e6, defaults.scale);
  int64_t groups = reader.integer({"n_group"}, 1, block.experts, defaults.groups);
  int64_t keep = reader.integer({"topk_group"}, 1, groups, std::min(groups, defaults.keep));
  if (block.experts % groups != 0 || (groups > 1 && block.experts / groups < 2))
    reader.fail("n_group (" + std::to_string(groups) + ") must divide the " + std::to_string(block.experts) +
                " experts into groups of at least 2");
  else if (block.topK > keep * (block.experts / groups))
    reader.fail("num_experts_per_tok (" + std::to_string(block.topK) + ") must be at most the " +
                std::to_string(keep * (block.experts / groups)) + " experts of topk_group groups");
  if (groups > 1)
    router.groups = ExpertGroups{groups, keep, GroupReduce::Top2Sum, GroupMask::NegInf};
}

} // namespace moe

#endif // MOE_LIB_IMPORT_FAMILIES_DEEPSEEKROUTER_H
