// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CostModel.cpp - how long a routing's products take, estimated --------------------------------------===//
//
// Reading weights and multiplying overlap, so a step takes the longer of both; what is done once, like the sort, and
// the turns of loops that find no work are added.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/CostModel/CostModel.h"

#include <algorithm>
#include <cmath>

using namespace moe;

static constexpr double kPicosecond = 1e-12;

static constexpr std::array<MachineKey, 14> keys = {{
    {"threads", &MachineConstants::threads},
    {"memory_bytes", &MachineConstants::memoryBytes},
    {"thread_bytes", &MachineConstants::threadBytes},
    {"shared_bytes", &MachineConstants::sharedBytes},
    {"shared_size", &MachineConstants::sharedSize},
    {"near_bytes", &MachineConstants::nearBytes},
    {"near_size", &MachineConstants::nearSize},
    {"flops", &MachineConstants::flops},
    {"tile_rows", &MachineConstants::tileRows},
    {"panel_columns", &MachineConstants::panelColumns},
    {"sort_slot_ps", &MachineConstants::sortSlotPicoseconds},
    {"sort_expert_ps", &MachineConstants::sortExpertPicoseconds},
    {"group_ps", &MachineConstants::groupPicoseconds},
    {"slot_ps", &MachineConstants::slotPicoseconds},
}};

const std::array<MachineKey, 14> &moe::machineKeys() { return keys; }

double moe::expectedExperts(const ExpertsShape &shape, double rows) {
  double experts = double(shape.experts), share = double(shape.choices) / experts;
  return experts * (1 - std::pow(1 - share, rows));
}

namespace {

/// A layer on a machine, all threads together.
struct Rates {
  Rates(const ExpertsShape &shape, const MachineConstants &machine)
      : threads(double(machine.threads)), panels(std::ceil(double(shape.outputColumns) / double(machine.panelColumns))),
        panelBytes(double(shape.expertBytes) / std::max(panels, 1.0)),
        memory(std::min(double(machine.memoryBytes), threads * double(machine.threadBytes))),
        shared(threads * double(machine.sharedBytes)), near(threads * double(machine.nearBytes)),
        flops(threads * double(machine.flops)), nearSize(double(machine.nearSize)),
        sharedSize(double(machine.sharedSize)) {
    // Weights that all stay in the cache are read from it.
    if (double(shape.experts) * double(shape.expertBytes) <= sharedSize)
      memory = std::max(memory, shared);
  }

  /// How fast a panel is read that was read before panels of `experts` others.
  double again(double experts) const {
    double between = experts * panelBytes;
    return between <= nearSize ? near : threads * between <= sharedSize ? shared : memory;
  }

  double threads;
  double panels, panelBytes;   ///< tasks of a call, and what one of them reads of an expert
  double memory, shared, near; ///< bytes per second
  double flops;
  double nearSize, sharedSize;
};

} // namespace

double moe::singleRowSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows) {
  Rates rates(shape, machine);
  double slots = double(rows) * double(shape.choices), touched = expectedExperts(shape, double(rows));
  double bytes = double(shape.expertBytes), multiply = double(shape.slotFlops) / rates.flops;
  // An expert's panel comes again after those of the experts in between, which have to stay in the cache for that.
  double first = std::max(bytes / rates.memory, multiply);
  double again = std::max(bytes / rates.again(touched), multiply);
  double turns = rates.panels * slots * double(machine.slotPicoseconds) * kPicosecond / rates.threads;
  return touched * first + (slots - touched) * again + turns;
}

/// The products of `rows` rows in an order by expert, whatever that took.
static double orderedSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows) {
  Rates rates(shape, machine);
  double kept = double(rows) * double(shape.choices), touched = expectedExperts(shape, double(rows));
  if (shape.capacity != 0)
    kept = std::min(kept, touched * double(shape.capacity));
  double bytes = double(shape.expertBytes), tileRows = double(machine.tileRows);
  // One or two rows are tiles of one row each; more are full tiles and, on average, as much again in lower ones.
  double perExpert = kept / touched;
  double passes = perExpert <= 2 ? perExpert : perExpert / tileRows + 2 * (1 - 1 / tileRows);
  double read = touched * (bytes / rates.memory + std::max(passes - 1, 0.0) * bytes / rates.near);
  double multiply = kept * double(shape.slotFlops) / rates.flops;
  double turns = rates.panels * double(shape.experts) * double(machine.groupPicoseconds) / rates.threads;
  return std::max(read, multiply) + turns * kPicosecond;
}

double moe::groupedSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows) {
  double slots = double(rows) * double(shape.choices);
  if (slots == 0)
    return 0;
  double sort =
      slots * double(machine.sortSlotPicoseconds) + double(shape.experts) * double(machine.sortExpertPicoseconds);
  return orderedSeconds(shape, machine, rows) + sort * kPicosecond;
}

double moe::paddedSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows) {
  double slots = double(rows) * double(shape.choices);
  if (slots == 0)
    return 0;
  // The second of the sort's two passes over the slots is left, and nothing of the sums over experts.
  return orderedSeconds(shape, machine, rows) + slots * double(machine.sortSlotPicoseconds) / 2 * kPicosecond;
}

int64_t moe::groupedCrossover(const ExpertsShape &shape, const MachineConstants &machine) {
  int64_t rows = 1;
  while (rows < kMaxCrossover && singleRowSeconds(shape, machine, rows) < groupedSeconds(shape, machine, rows))
    ++rows;
  return rows;
}

int64_t moe::paddedFrom(const ExpertsShape &shape) {
  return shape.capacity == 0 ? 0 : (shape.experts * shape.capacity + shape.choices - 1) / shape.choices;
}

bool moe::paddedPays(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows) {
  double grouped = groupedSeconds(shape, machine, rows);
  return grouped - paddedSeconds(shape, machine, rows) >= kPaddedGain * grouped;
}
