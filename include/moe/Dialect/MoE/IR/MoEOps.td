// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All ops of the dialect, for TableGen.

#ifndef MOE_OPS_TD
#define MOE_OPS_TD

include "moe/Dialect/MoE/IR/MoEBodyOps.td"
include "moe/Dialect/MoE/IR/MoECombineOps.td"
include "moe/Dialect/MoE/IR/MoEGroupedBodyOps.td"
include "moe/Dialect/MoE/IR/MoEGroupedOps.td"
include "moe/Dialect/MoE/IR/MoEKernelOps.td"
include "moe/Dialect/MoE/IR/MoEModelOps.td"
include "moe/Dialect/MoE/IR/MoEPaddedOps.td"
include "moe/Dialect/MoE/IR/MoESlotOps.td"
include "moe/Dialect/MoE/IR/MoEScoreOps.td"
include "moe/Dialect/MoE/IR/MoESymbolOps.td"

#endif // MOE_OPS_TD
