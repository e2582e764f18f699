// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Opening device code and loading the weights of its layers.
//===----------------------------------------------------------------------===//
#include "DeviceLibrary.h"

#include "Error.h"
#include "Layout.h"
#include "Library.h"
#include "moe/Checkpoint/File.h"

#include <cstring>

using namespace moe;

DeviceBuffer::~DeviceBuffer() {
  if (!pointer)
    return;
  CurrentContext current(*driver, context);
  driver->free(pointer);
}

moe_status DeviceBuffer::allocate(const Driver &newDriver, void *newContext, size_t bytes, const char *what) {
  driver = &newDriver;
  context = newContext;
  int result = driver->allocate(&pointer, bytes ? bytes : 1);
  if (result == 0)
    return MOE_OK;
  pointer = 0;
  std::string text = std::string(what) + ": no " + std::to_string(bytes) + " bytes on the device: cuMemAlloc";
  return driver->check(result, text.c_str());
}

static std::vector<moe_operand_desc> describe(const std::vector<DeviceOperand> &operands) {
  std::vector<moe_operand_desc> result;
  for (const DeviceOperand &operand : operands) {
    moe_operand_desc desc = {operand.name.c_str(), int64_t(operand.shape.size()), {}, operand.dtype, 0};
    std::copy(operand.shape.begin(), operand.shape.end(), desc.shape);
    result.push_back(desc);
  }
  return result;
}

DeviceDescriptors::DeviceDescriptors(const LaunchRecords &records) {
  for (const DeviceLayerRecord &record : records.layers) {
    Layer &part = parts.emplace_back();
    part.inputs = describe(record.program->inputs);
    part.outputs = describe(record.program->outputs);
    for (size_t w = 0; w != record.weights.size(); ++w) {
      std::vector<moe_source_desc> &sources = part.sources.emplace_back();
      for (const DeviceSource &source : record.weights[w]) {
        sources.push_back(source.desc);
        sources.back().name = source.name.c_str();
      }
      moe_weight_desc weight = record.program->weights[w];
      weight.symbol = part.symbols.emplace_back("weight " + std::to_string(w)).c_str();
      part.weights.push_back(weight);
    }
    for (size_t w = 0; w != part.weights.size(); ++w)
      part.weights[w].sources = part.sources[w].data();
    // Never called: it is only there because a descriptor without one is malformed.
    part.variant = {records.chip.c_str(),
                    0,
                    part.weights.data(),
                    int64_t(part.weights.size()),
                    [](int64_t) { return int64_t(-1); },
                    [](const moe_kernel_args *) {}};
    moe_layer_desc layer = {};
    layer.name = record.name.c_str();
    layer.block = record.block;
    layer.inputs = part.inputs.data();
    layer.num_inputs = int64_t(part.inputs.size());
    layer.outputs = part.outputs.data();
    layer.num_outputs = int64_t(part.outputs.size());
    layer.variants = &part.variant;
    layer.num_variants = 1;
    layers.push_back(layer);
  }
  library = {MOE_ABI_VERSION, "", "", "", "", layers.data(), int64_t(layers.size())};
}

DeviceLibraryState::~DeviceLibraryState() {
  moe_library_close(host);
  if (module) {
    CurrentContext current(*driver, context);
    driver->unloadModule(module);
  }
  if (context)
    driver->releaseContext(device);
}

/// "sm_90a" is 90; 0 for what is no such name. A chip with a letter runs on that very chip alone.
static int versionOf(const std::string &chip, bool &exact) {
  int version = 0;
  size_t i = 3;
  if (chip.compare(0, 3, "sm_") != 0)
    return 0;
  for (; i < chip.size() && chip[i] >= '0' && chip[i] <= '9' && version < 10000; ++i)
    version = version * 10 + (chip[i] - '0');
  exact = i < chip.size();
  return version;
}

static moe_status openDevice(DeviceLibraryState &state, int ordinal) {
  if (moe_status status = Driver::get(state.driver))
    return status;
  const Driver &driver = *state.driver;
  int count = 0, major = 0, minor = 0;
  if (moe_status status = driver.check(driver.deviceCount(&count), "cuDeviceGetCount"))
    return status;
  if (ordinal < 0 || ordinal >= count)
    return fail(MOE_NO_DEVICE, "expected one of %d CUDA devices, got number %d; they count from 0", count, ordinal);
  constexpr int majorAttribute = 75, minorAttribute = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
  if (moe_status status = driver.check(driver.deviceGet(&state.device, ordinal), "cuDeviceGet"))
    return status;
  if (moe_status status =
          driver.check(driver.deviceAttribute(&major, majorAttribute, state.device), "cuDeviceGetAttribute"))
    return status;
  if (moe_status status =
          driver.check(driver.deviceAttribute(&minor, minorAttribute, state.device), "cuDeviceGetAttribute"))
    return status;
  bool exact = false;
  int wanted = versionOf(state.records.chip, exact), there = major * 10 + minor;
  if (exact ? wanted != there : wanted > there)
    return fail(MOE_NO_DEVICE, "%s: compiled for %s, device %d is sm_%d; compile again with --chip=sm_%d",
                state.name.c_str(), state.records.chip.c_str(), ordinal, there, there);
  return driver.check(driver.retainContext(&state.context, state.device), "cuDevicePrimaryCtxRetain");
}

static moe_status loadKernels(DeviceLibraryState &state, const std::string &image) {
  const Driver &driver = *state.driver;
  CurrentContext current(driver, state.context);
  if (moe_status status = current.status())
    return status;
  if (moe_status status =
          driver.check(driver.loadModule(&state.module, image.c_str()), (state.name + ": cuModuleLoadData").c_str()))
    return status;
  constexpr uint32_t askFrom = 48 << 10; // bytes of shared memory that a kernel gets without asking
  for (const auto &program : state.records.programs)
    for (const DeviceLaunch &launch : program->launches) {
      std::string what = state.name + ": kernel '" + launch.kernel + "': ";
      void *&function = state.functions[launch.kernel];
      if (moe_status status = driver.check(driver.getFunction(&function, state.module, launch.kernel.c_str()),
                                           (what + "cuModuleGetFunction").c_str()))
        return status;
      if (launch.shared <= askFrom)
        continue;
      constexpr int maxDynamicShared = 8; // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
      what += std::to_string(launch.shared) + " bytes of shared memory: cuFuncSetAttribute";
      if (moe_status status =
              driver.check(driver.setFunctionAttribute(function, maxDynamicShared, int(launch.shared)), what.c_str()))
        return status;
    }
  return MOE_OK;
}

moe_status moe_device_library_open(const char *ptx, const char *cubin, int ordinal, moe_device_library **library) {
  return guard([&] {
    if (library)
      *library = nullptr;
    if (!ptx || !library)
      return fail(MOE_INVALID_ARGUMENT, "moe_device_library_open: ptx or library is null");
    constexpr uint64_t maxImage = uint64_t(1) << 30;
    auto opened = std::make_unique<moe_device_library>();
    opened->state = std::make_shared<DeviceLibraryState>();
    DeviceLibraryState &state = *opened->state;
    state.name = ptx;
    Expected<std::string> text = readTextFile(ptx, maxImage);
    if (!text)
      return fail(MOE_IO_ERROR, "%s", text.message().c_str());
    Expected<std::string> records = launchRecordsOfPtx(*text, ptx);
    if (!records)
      return fail(MOE_INVALID_ARGUMENT, "%s", records.message().c_str());
    Expected<LaunchRecords> parsed = parseLaunchRecords(*records, ptx);
    if (!parsed)
      return fail(MOE_INVALID_ARGUMENT, "%s", parsed.message().c_str());
    state.records = std::move(*parsed);
    state.descriptors = std::make_unique<DeviceDescriptors>(state.records);
    if (moe_status status = moe_library_wrap(&state.descriptors->library, &state.host))
      return status;
    if (cubin) {
      text = readTextFile(cubin, maxImage);
      if (!text)
        return fail(MOE_IO_ERROR, "%s", text.message().c_str());
      state.name = cubin;
    }
    if (moe_status status = openDevice(state, ordinal))
      return status;
    if (moe_status status = loadKernels(state, *text))
      return status;
    *library = opened.release();
    return MOE_OK;
  });
}

void moe_device_library_close(moe_device_library *library) { delete library; }

int64_t moe_device_library_layers(const moe_device_library *library) {
  return library ? int64_t(library->state->records.layers.size()) : 0;
}

const char *moe_device_library_chip(const moe_device_library *library) {
  return library ? library->state->records.chip.c_str() : "";
}

/// Experts one after the other, as docs/abi-gpu.md says.
static moe_status upload(const DeviceLibraryState &state, const moe_weight_desc &desc, const PackedWeight &weight,
                         const char *layer, DeviceBuffer &buffer) {
  Layout layout;
  if (!layoutOf(desc, layout))
    return fail(MOE_INTERNAL, "%s: %s: no layout", layer, desc.symbol);
  // On the host an expert's place is rounded up.
  size_t bytes = size_t(layout.sources * layout.elementBytes);
  bytes *= layout.panel == 0 ? size_t(layout.rows * layout.cols)
                             : size_t(layout.panels() * layout.groups() * layout.panel * layout.kGroup);
  const Driver &driver = *state.driver;
  std::string what = std::string(layer) + ": " + desc.symbol;
  if (moe_status status = buffer.allocate(driver, state.context, bytes * size_t(desc.experts), what.c_str()))
    return status;
  for (int64_t e = 0; bytes != 0 && e != desc.experts; ++e)
    if (moe_status status = driver.check(
            driver.copyToDevice(buffer.address() + uint64_t(e) * bytes, weight.experts[size_t(e)], bytes, nullptr),
            (what + ": cuMemcpyHtoD").c_str()))
      return status;
  return driver.check(driver.synchronize(nullptr), (what + ": cuStreamSynchronize").c_str());
}

moe_status moe_device_layer_load(moe_device_library *library, int64_t index, const moe_load_options *options,
                                 moe_device_layer **layer) {
  return guard([&] {
    if (layer)
      *layer = nullptr;
    if (!library || !layer)
      return fail(MOE_INVALID_ARGUMENT, "moe_device_layer_load: library or layer is null");
    DeviceLibraryState &state = *library->state;
    moe_layer *host = nullptr; // gives back its copy of the weights as soon as they are on the device
    if (moe_status status = moe_layer_load(state.host, index, options, &host))
      return status;
    std::unique_ptr<moe_layer, void (*)(moe_layer *)> owner(host, &moe_layer_free);
    CurrentContext current(*state.driver, state.context);
    if (moe_status status = current.status())
      return status;
    auto loaded = std::make_unique<moe_device_layer>();
    loaded->library = library->state;
    loaded->record = &state.records.layers[size_t(index)];
    loaded->desc = &state.descriptors->library.layers[index];
    for (size_t w = 0; w != host->weights.size(); ++w)
      if (moe_status status = upload(state, host->variant->weights[w], host->weights[w], host->desc->name,
                                     loaded->weights.emplace_back()))
        return status;
    *layer = loaded.release();
    return MOE_OK;
  });
}

void moe_device_layer_free(moe_device_layer *layer) { delete layer; }

const moe_layer_desc *moe_device_layer_info(const moe_device_layer *layer) { return layer ? layer->desc : nullptr; }
