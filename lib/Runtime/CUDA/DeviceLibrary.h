// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the opaque handles of moe/Runtime/Device.h point to.
#ifndef MOE_LIB_RUNTIME_CUDA_DEVICELIBRARY_H
#define MOE_LIB_RUNTIME_CUDA_DEVICELIBRARY_H

#include "Driver.h"
#include "LaunchRecords.h"
#include "moe/Runtime/Device.h"

#include <deque>
#include <map>

namespace moe {

/// Memory on the device, of the context that is current.
class DeviceBuffer {
public:
  DeviceBuffer() = default;
  DeviceBuffer(DeviceBuffer &&other) noexcept { *this = std::move(other); }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
    std::swap(driver, other.driver);
    std::swap(context, other.context);
    std::swap(pointer, other.pointer);
    return *this;
  }
  ~DeviceBuffer();
  /// At least one byte. `what` is for messages.
  moe_status allocate(const Driver &driver, void *context, size_t bytes, const char *what);
  CudaDevicePointer address() const { return pointer; }

private:
  const Driver *driver = nullptr;
  void *context = nullptr;
  CudaDevicePointer pointer = 0;
};

/// The records as descriptors of the C ABI, so that weights are found, checked and packed as those of the CPU are.
class DeviceDescriptors {
public:
  explicit DeviceDescriptors(const LaunchRecords &records);
  moe_library_desc library = {};

private:
  struct Layer {
    std::vector<moe_operand_desc> inputs, outputs;
    std::vector<std::vector<moe_source_desc>> sources;
    std::vector<moe_weight_desc> weights;
    std::deque<std::string> symbols;
    moe_variant_desc variant = {};
  };
  std::deque<Layer> parts;
  std::vector<moe_layer_desc> layers;
};

struct DeviceLibraryState {
  std::string name; ///< the path, for messages
  LaunchRecords records;
  std::unique_ptr<DeviceDescriptors> descriptors;
  moe_library *host = nullptr; ///< loads weights
  const Driver *driver = nullptr;
  int device = 0;
  void *context = nullptr, *module = nullptr;
  std::map<std::string, void *> functions; ///< by kernel
  ~DeviceLibraryState();
};

} // namespace moe

struct moe_device_library {
  std::shared_ptr<moe::DeviceLibraryState> state;
};

struct moe_device_layer {
  std::shared_ptr<moe::DeviceLibraryState> library;
  const moe::DeviceLayerRecord *record = nullptr;
  const moe_layer_desc *desc = nullptr;
  std::vector<moe::DeviceBuffer> weights;
};

#endif // MOE_LIB_RUNTIME_CUDA_DEVICELIBRARY_H
