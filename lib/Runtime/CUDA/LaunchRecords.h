// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a caller must know to run device kernels: the launch records of docs/abi-gpu.md.
#ifndef MOE_LIB_RUNTIME_CUDA_LAUNCHRECORDS_H
#define MOE_LIB_RUNTIME_CUDA_LAUNCHRECORDS_H

#include "SizeExpression.h"
#include "moe/Runtime/Runtime.h"

#include <memory>
#include <string>
#include <vector>

namespace moe {

struct DeviceLaunch {
  std::string kernel;
  SizeExpression when, grid;
  uint32_t block;  ///< threads
  uint32_t shared; ///< bytes of dynamic shared memory
};

struct DeviceOperand {
  std::string name;
  std::vector<int64_t> shape; ///< -1: the number of tokens
  int32_t dtype;              ///< moe_dtype
  int64_t alignment;          ///< bytes, of data and of stride times element
};

struct DeviceProgram {
  std::string name;
  std::vector<DeviceOperand> inputs, outputs;
  std::vector<moe_weight_desc> weights; ///< without symbol and sources, which are a layer's
  SizeExpression workspace;
  std::vector<DeviceLaunch> launches;
};

struct DeviceSource {
  std::string name;
  moe_source_desc desc; ///< without name, rows and cols
};

struct DeviceLayerRecord {
  std::string name;
  int64_t block;
  const DeviceProgram *program;
  std::vector<std::vector<DeviceSource>> weights;
};

struct LaunchRecords {
  std::string chip; ///< "sm_90a"
  std::vector<std::unique_ptr<DeviceProgram>> programs;
  std::vector<DeviceLayerRecord> layers;
};

/// `file` is for messages.
Expected<LaunchRecords> parseLaunchRecords(std::string_view text, const std::string &file);

/// The records in the first line of PTX, "// moe.launches: JSON".
Expected<std::string> launchRecordsOfPtx(std::string_view ptx, const std::string &file);

} // namespace moe

#endif // MOE_LIB_RUNTIME_CUDA_LAUNCHRECORDS_H
