// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CostModel.h - how long a routing's products take, estimated ----------------------------------------===//
//
// The one place that weighs the ways to run the experts of a layer against each other. It knows a layer by a few
// numbers and a machine by a few constants; it knows no IR and no instruction set. Its estimates are for choosing: the
// ratio of two of them is meant to be right where they are close, not the time of a run.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_COSTMODEL_COSTMODEL_H
#define MOE_COSTMODEL_COSTMODEL_H

#include <array>
#include <cstdint>
#include <string_view>

namespace moe {

/// What the model knows of a machine. The defaults are those of a cloud server of a few cores with AVX2; a module may
/// give any of them in its attribute `moe.machine`, by the keys in `machineKeys`. Rates are per second.
struct MachineConstants {
  int64_t threads = 8;                   ///< threads that share a call
  int64_t memoryBytes = 60'000'000'000;  ///< read from memory, all threads together
  int64_t threadBytes = 12'000'000'000;  ///< read from memory, one thread
  int64_t sharedBytes = 20'000'000'000;  ///< read from the cache that threads share, one thread
  int64_t sharedSize = 32 << 20;         ///< bytes of that cache
  int64_t nearBytes = 60'000'000'000;    ///< read from a thread's own cache, where a panel stays between its tiles
  int64_t nearSize = 1 << 20;            ///< bytes of that cache
  int64_t flops = 90'000'000'000;        ///< f32 multiplies and adds in full register tiles, one thread
  int64_t tileRows = 6;                  ///< rows of a full register tile
  int64_t panelColumns = 32;             ///< output columns of one task
  int64_t sortSlotPicoseconds = 4'000;   ///< a slot's share of the counting sort, which is serial
  int64_t sortExpertPicoseconds = 1'500; ///< an expert's share of it
  int64_t groupPicoseconds = 10'000;     ///< an expert's turn in a task, whatever its rows
  int64_t slotPicoseconds = 5'000;       ///< a slot's turn in a task without a plan
};

/// A constant's name in `moe.machine`, and its place.
struct MachineKey {
  std::string_view name;
  int64_t MachineConstants::*value;
};

/// Every constant, by name.
const std::array<MachineKey, 14> &machineKeys();

/// The experts of a layer as the model sees them.
struct ExpertsShape {
  int64_t experts = 0;       ///< E
  int64_t choices = 0;       ///< K, slots of a row
  int64_t expertBytes = 0;   ///< weights of one expert
  int64_t slotFlops = 0;     ///< multiplies and adds of one row at one expert
  int64_t outputColumns = 0; ///< columns of the products of one expert, each product counted once
  int64_t capacity = 0;      ///< most rows of an expert, 0 without a limit
};

/// Experts that some of `rows` rows go to, when each row picks evenly: E (1 - (1 - K / E)^rows).
double expectedExperts(const ExpertsShape &shape, double rows);

/// Seconds for `rows` rows slot by slot: no sort, an expert's weights once for each of its slots.
double singleRowSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows);
/// Seconds for `rows` rows in the order of a plan: an expert's weights once, register tiles of several rows.
double groupedSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows);
/// Seconds with places for `capacity` rows kept for each expert: the products of sorted rows, but groups begin at known
/// places, so that one pass over the slots is their order. `shape.capacity` must not be 0.
double paddedSeconds(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows);

/// Single rows are for few rows: from here on rows are sorted, however small the difference is.
constexpr int64_t kMaxCrossover = 32;
/// The smallest number of rows, at least 1, at which grouped is not slower than single rows; kMaxCrossover at most.
int64_t groupedCrossover(const ExpertsShape &shape, const MachineConstants &machine);

/// Padded places are a third way to run a layer only where they save at least this share of the time of sorted rows:
/// where experts are small (D * F), or slots are many beside what experts take.
constexpr double kPaddedGain = 0.02;
/// The number of rows whose slots may take every place, where padded rows need no more memory than sorted ones, at
/// least 1; 0 where there is no capacity.
int64_t paddedFrom(const ExpertsShape &shape);
/// Whether padded places save their share with `rows` rows.
bool paddedPays(const ExpertsShape &shape, const MachineConstants &machine, int64_t rows);

} // namespace moe

#endif // MOE_COSTMODEL_COSTMODEL_H
