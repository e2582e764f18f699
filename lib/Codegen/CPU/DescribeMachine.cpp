// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- DescribeMachine.cpp - the constants of the cost model that a machine level settles -----------------===//
//
// A level knows its vectors and register tiles, not the memory behind them: that keeps the cost model's defaults unless
// the module says otherwise. Nothing is read from the machine that compiles, so the result is the same anywhere.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Codegen/CPU/MachineLevel.h"
#include "moe/Codegen/CPU/Passes.h"
#include "moe/Codegen/CPU/TileKernel.h"

namespace mlir::moe {
#define GEN_PASS_DEF_DESCRIBEMACHINE
#include "moe/Codegen/CPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Clock of a server under load on all cores, and multiply-adds that it starts in a cycle.
static constexpr int64_t kHertz = 3'000'000'000, kPipes = 2;

namespace {

struct DescribeMachine : mlir::moe::impl::DescribeMachineBase<DescribeMachine> {
  using DescribeMachineBase::DescribeMachineBase;

  void runOnOperation() override {
    const MachineLevel *machine = findMachineLevel(level);
    if (!machine) {
      getOperation()->emitError("unknown machine level: ") << level;
      return signalPassFailure();
    }
    Builder b(&getContext());
    NamedAttrList constants(getOperation()->getAttrOfType<DictionaryAttr>(kMachineAttr));
    auto settle = [&](StringRef name, int64_t value) {
      if (!constants.get(name))
        constants.set(name, b.getI64IntegerAttr(value));
    };
    settle("flops", kHertz * kPipes * 2 * machine->lanes());
    // Of f32, as every level has it.
    const TileKernel &kernel = machine->tileKernel(b.getF32Type(), b.getF32Type(), /*matrices=*/1);
    settle("tile_rows", kernel.tileRows().front());
    settle("panel_columns", kernel.tileVectors() * machine->lanes());
    getOperation()->setAttr(kMachineAttr, constants.getDictionary(&getContext()));
  }
};

} // namespace
