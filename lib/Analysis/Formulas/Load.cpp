// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Load.cpp - how many rows experts take, and how many are dropped ------------------------------------===//

#include "moe/Analysis/Formulas/Load.h"

#include <algorithm>

using namespace moe::analysis;

LoadBounds moe::analysis::loadBounds(const LoadInputs &in) {
  LoadBounds bounds;
  int64_t taken = in.capacity > 0 ? std::min(in.rows, in.capacity) : in.rows;
  bounds.least = in.selected == in.experts ? taken : 0;
  bounds.most = taken;
  bounds.mean = double(in.rows) * double(in.selected) / double(in.experts);
  if (in.capacity > 0) {
    // Rows spread evenly fill every expert before any is dropped.
    bounds.leastDropped = std::max<int64_t>(0, in.rows * in.selected - in.experts * in.capacity);
    bounds.mostDropped = in.selected * (in.rows - taken);
  }
  return bounds;
}
