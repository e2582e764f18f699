// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Layers on a device, with a driver that runs the kernels of Device.ll in the emulator.
//===----------------------------------------------------------------------===//
#include "moe/Runtime/Device.h"
#include "../Checkpoint/TempFolder.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

#define EXPECT_FAILS(STATUS, CALL, TEXT)                                                                               \
  do {                                                                                                                 \
    EXPECT_EQ(CALL, STATUS) << moe_last_error();                                                                       \
    EXPECT_NE(std::string(moe_last_error()).find(TEXT), std::string::npos) << "got: " << moe_last_error();             \
    EXPECT_EQ(std::string(moe_last_error()).find('\n'), std::string::npos);                                            \
  } while (0)

namespace {

struct FreeDevice {
  void operator()(moe_device_library *library) const { moe_device_library_close(library); }
  void operator()(moe_device_layer *layer) const { moe_device_layer_free(layer); }
};
using DeviceLibrary = std::unique_ptr<moe_device_library, FreeDevice>;
using DeviceLayer = std::unique_ptr<moe_device_layer, FreeDevice>;

const std::string programText = R"({"name": "scale4",
  "inputs": [{"name": "input", "dtype": "f32", "shape": [-1, 4], "alignment": 16}],
  "weights": [{"experts": 1, "rows": 1, "cols": 4, "panel": 0, "k_group": 1, "dtype": "f32", "sources": 1}],
  "outputs": [{"name": "output", "dtype": "f32", "shape": [-1, 4], "alignment": 4}],
  "workspace": "T 16 * 255 + -256 &",
  "launches": [{"kernel": "scale", "when": "1", "grid": "T", "block": 4, "shared": 0},
               {"kernel": "beyond", "when": "T 7 < 0 1 ?", "grid": "1", "block": 1, "shared": 0},
               {"kernel": "copy", "when": "1", "grid": "T", "block": 4, "shared": 65536}]})";
const std::string layerText = R"({"name": "moe0", "block": 0, "program": "scale4", "weights": [[{"name": "scales",
  "row_begin": 0, "row_step": 1, "stored_rows": 0, "transposed": false}]]})";

std::string records(const std::string &program = programText, const std::string &layer = layerText,
                    const std::string &chip = "sm_80", const std::string &version = "1") {
  return R"({"version": )" + version + R"(, "chip": ")" + chip + R"(", "programs": [)" + program + R"(], "layers": [)" +
         layer + "]}";
}

std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

class Device : public testing::Test {
protected:
  static void SetUpTestSuite() {
    setenv("MOE_CUDA_DRIVER", MOE_TEST_FAKE_CUDA, 1);
    setenv("MOE_FAKE_CUDA_IR", MOE_TEST_SOURCE_DIR "/Unit/Runtime/Device.ll", 1);
  }
  void TearDown() override {
    for (const char *name : {"MOE_FAKE_CUDA_FAIL", "MOE_FAKE_CUDA_CHIP", "MOE_FAKE_CUDA_DEVICES", "MOE_FAKE_CUDA_LOG"})
      unsetenv(name);
  }

  std::string ptx(const std::string &text = records(), const std::string &kernels = ".visible .entry scale(") {
    return folder.write("layer.ptx", "// moe.launches: " + oneLine(text) + "\n" + kernels);
  }
  moe_status open(const std::string &file, DeviceLibrary &library, int ordinal = 0) {
    moe_device_library *opened = reinterpret_cast<moe_device_library *>(1);
    moe_status status = moe_device_library_open(file.c_str(), nullptr, ordinal, &opened);
    EXPECT_EQ(opened == nullptr, status != MOE_OK);
    library.reset(opened);
    return status;
  }
  moe_status load(DeviceLibrary &library, DeviceLayer &layer) {
    moe_load_options options = {};
    options.random_weights = 1;
    moe_device_layer *loaded = reinterpret_cast<moe_device_layer *>(1);
    moe_status status = moe_device_layer_load(library.get(), 0, &options, &loaded);
    EXPECT_EQ(loaded == nullptr, status != MOE_OK);
    layer.reset(loaded);
    return status;
  }
  DeviceLayer loaded() {
    DeviceLibrary library;
    DeviceLayer layer;
    EXPECT_EQ(open(ptx(), library), MOE_OK) << moe_last_error();
    EXPECT_EQ(load(library, layer), MOE_OK) << moe_last_error();
    return layer;
  }

  TempFolder folder;
};

/// Rows of 4 with gaps between them.
struct Rows {
  explicit Rows(int64_t tokens, float value = 1) : values(size_t(tokens * stride), value) {
    tensor = {values.data(), tokens, 4, stride, MOE_F32, 0};
  }
  static constexpr int64_t stride = 8;
  std::vector<float> values;
  moe_tensor tensor;
};

/// A function of the fake driver, as a program that captures graphs would call it.
template <typename... Arguments>
int callDriver(const char *name, Arguments... arguments) {
  static void *driver = dlopen(MOE_TEST_FAKE_CUDA, RTLD_NOW);
  auto function = reinterpret_cast<int (*)(Arguments...)>(dlsym(driver, name));
  EXPECT_NE(function, nullptr) << name;
  return function ? function(arguments...) : -1;
}

/// Memory of the fake device.
struct OnDevice {
  explicit OnDevice(size_t bytes) { EXPECT_EQ(callDriver("cuMemAlloc_v2", &address, bytes), 0); }
  ~OnDevice() { callDriver("cuMemFree_v2", address); }
  unsigned long long address = 0;
  float *data() const { return reinterpret_cast<float *>(address); }
};

} // namespace

TEST_F(Device, RunsRowsOfTheHost) {
  DeviceLayer layer = loaded();
  Rows ones(3), x(3, 2), scales(3, -1), y(3, -1);
  ASSERT_EQ(moe_device_layer_run_host(layer.get(), &ones.tensor, &scales.tensor), MOE_OK) << moe_last_error();
  ASSERT_EQ(moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor), MOE_OK) << moe_last_error();
  for (int64_t i = 0; i != 3; ++i)
    for (int64_t j = 0; j != Rows::stride; ++j) {
      size_t at = size_t(i * Rows::stride + j);
      EXPECT_EQ(y.values[at], j < 4 ? 2 * scales.values[size_t(j)] : -1) << i << ", " << j;
    }
  EXPECT_NE(scales.values[0], scales.values[1]);
  EXPECT_STREQ(moe_device_layer_info(layer.get())->name, "moe0");
}

TEST_F(Device, NoTokensAndNoOutput) {
  DeviceLayer layer = loaded();
  moe_tensor none = {nullptr, 0, 4, 4, MOE_F32, 0};
  setenv("MOE_FAKE_CUDA_LOG", folder.file("log").c_str(), 1);
  EXPECT_EQ(moe_device_layer_run_host(layer.get(), &none, &none), MOE_OK) << moe_last_error();
  EXPECT_FALSE(std::filesystem::exists(folder.file("log"))); // nothing was called
  Rows x(2);
  moe_tensor dropped = {nullptr, 2, 4, 4, MOE_F32, 0};
  EXPECT_EQ(moe_device_layer_run_host(layer.get(), &x.tensor, &dropped), MOE_OK) << moe_last_error();
}

TEST_F(Device, LaunchesByTheRecords) {
  DeviceLayer layer = loaded();
  setenv("MOE_FAKE_CUDA_LOG", folder.file("log").c_str(), 1);
  Rows x(5), y(5);
  ASSERT_EQ(moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor), MOE_OK) << moe_last_error();
  std::ifstream log(folder.file("log"));
  std::string text, line;
  while (std::getline(log, line))
    text += line.compare(0, 8, "cuLaunch") == 0 ? line + "\n" : "";
  EXPECT_EQ(text, "cuLaunchKernel scale 5 4 0\ncuLaunchKernel copy 5 4 65536\n");
}

TEST_F(Device, GraphsRepeatARun) {
  DeviceLayer layer = loaded();
  size_t bytes = 0;
  ASSERT_EQ(moe_device_layer_workspace_size(layer.get(), 2, &bytes), MOE_OK);
  EXPECT_EQ(bytes, 512u); // of the program, and room for an output that nobody wants
  OnDevice x(32), y(32), workspace(bytes);
  auto fill = [&](float value) {
    std::vector<float> values(8, value);
    EXPECT_EQ(callDriver("cuMemcpyHtoDAsync_v2", x.address, static_cast<const void *>(values.data()), size_t(32),
                         static_cast<void *>(nullptr)),
              0);
  };
  void *stream = nullptr, *graph = nullptr, *executable = nullptr;
  ASSERT_EQ(callDriver("cuStreamCreate", &stream, 0u), 0);
  ASSERT_EQ(callDriver("cuStreamBeginCapture_v2", stream, 0), 0);
  moe_tensor in = {x.data(), 2, 4, 4, MOE_F32, 0}, out = {y.data(), 2, 4, 4, MOE_F32, 0};
  ASSERT_EQ(moe_device_layer_run(layer.get(), &in, &out, workspace.data(), bytes, stream), MOE_OK) << moe_last_error();
  ASSERT_EQ(callDriver("cuStreamEndCapture", stream, &graph), 0);
  ASSERT_EQ(callDriver("cuGraphInstantiateWithFlags", &executable, graph, 0ull), 0);
  fill(1);
  ASSERT_EQ(callDriver("cuGraphLaunch", executable, stream), 0);
  std::vector<float> once(y.data(), y.data() + 8);
  fill(3);
  ASSERT_EQ(callDriver("cuGraphLaunch", executable, stream), 0);
  ASSERT_EQ(callDriver("cuStreamSynchronize", stream), 0);
  for (size_t i = 0; i != 8; ++i)
    EXPECT_EQ(y.data()[i], 3 * once[i]);
  callDriver("cuGraphExecDestroy", executable);
  callDriver("cuGraphDestroy", graph);
  callDriver("cuStreamDestroy_v2", stream);
}

TEST_F(Device, RefusesBadArguments) {
  DeviceLayer layer = loaded();
  OnDevice x(64), y(64), workspace(512);
  moe_tensor in = {x.data(), 2, 4, 4, MOE_F32, 0}, out = {y.data(), 2, 4, 4, MOE_F32, 0};
  auto run = [&](moe_tensor in, moe_tensor out, void *space, size_t bytes) {
    return moe_device_layer_run(layer.get(), &in, &out, space, bytes, nullptr);
  };
  auto spoilt = [](moe_tensor tensor, auto change) {
    change(tensor);
    return tensor;
  };
  float *space = workspace.data();
  setenv("MOE_FAKE_CUDA_LOG", folder.file("log").c_str(), 1);
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(spoilt(in, [](auto &t) { t.dtype = MOE_BF16; }), out, space, 512),
               "moe0: input: expected moe_dtype 1, got 2");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(in, spoilt(out, [](auto &t) { t.rows = 3; }), space, 512),
               "moe0: output: expected rows 2, got 3");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(in, spoilt(out, [](auto &t) { t.cols = 5; }), space, 512),
               "moe0: output: expected columns 4, got 5");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(in, spoilt(out, [](auto &t) { t.stride = 3; }), space, 512),
               "moe0: output: expected a stride of at least 4, got 3");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(spoilt(in, [&](auto &t) { t.data = x.data() + 1; }), out, space, 512),
               "moe0: input: expected data aligned to 16 bytes");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(spoilt(in, [](auto &t) { t.stride = 5; }), out, space, 512),
               "moe0: input: expected a stride of a multiple of 16 bytes, got 20");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(spoilt(in, [](auto &t) { t.data = nullptr; }), out, space, 512),
               "moe0: input: expected data, got null");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(spoilt(in, [](auto &t) { t.stride = INT64_MAX; }), out, space, 512),
               "overflow");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(in, out, nullptr, 512), "expected a workspace on the device");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, run(in, out, space + 1, 512), "aligned to 256 bytes");
  EXPECT_FAILS(MOE_WORKSPACE_TOO_SMALL, run(in, out, space, 511),
               "expected a workspace of at least 512 bytes for 2 tokens, got 511");
  size_t bytes;
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_device_layer_workspace_size(layer.get(), -1, &bytes), "got -1");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_device_layer_workspace_size(layer.get(), int64_t(1) << 40, &bytes),
               "expected 0 to 2147483647 tokens");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_device_layer_run(nullptr, &in, &out, space, 512, nullptr), "layer is null");
  EXPECT_FALSE(std::filesystem::exists(folder.file("log"))); // nothing was started
}

TEST_F(Device, TellsWhatTheDriverSays) {
  DeviceLibrary library;
  DeviceLayer layer;
  std::string file = ptx();
  auto failing = [](const char *what) { setenv("MOE_FAKE_CUDA_FAIL", what, 1); };
  failing("cuDeviceGetCount:1:100");
  EXPECT_FAILS(MOE_DEVICE_ERROR, open(file, library),
               "cuDeviceGetCount: CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device is detected");
  failing("cuDevicePrimaryCtxRetain:1:2");
  EXPECT_FAILS(MOE_OUT_OF_MEMORY, open(file, library), "cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY (2)");
  failing("cuModuleLoadData:1:200");
  EXPECT_FAILS(MOE_DEVICE_ERROR, open(file, library), "layer.ptx: cuModuleLoadData: CUDA_ERROR_INVALID_IMAGE (200)");
  failing("cuModuleGetFunction:2:500");
  EXPECT_FAILS(MOE_DEVICE_ERROR, open(file, library),
               "layer.ptx: kernel 'beyond': cuModuleGetFunction: CUDA_ERROR_NOT_FOUND (500)");
  failing("cuFuncSetAttribute:1:1");
  EXPECT_FAILS(MOE_DEVICE_ERROR, open(file, library),
               "kernel 'copy': 65536 bytes of shared memory: cuFuncSetAttribute");
  failing("");
  ASSERT_EQ(open(file, library), MOE_OK) << moe_last_error();
  failing("cuMemAlloc_v2:1:2");
  EXPECT_FAILS(MOE_OUT_OF_MEMORY, load(library, layer),
               "moe0: weight 0: no 16 bytes on the device: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory");
  failing("cuMemcpyHtoDAsync_v2:1:999");
  EXPECT_FAILS(MOE_DEVICE_ERROR, load(library, layer),
               "moe0: weight 0: cuMemcpyHtoD: unknown error (999): the driver has no text for it");
  failing("");
  ASSERT_EQ(load(library, layer), MOE_OK) << moe_last_error();
  Rows x(2), y(2, -1);
  for (const char *what : {"cuMemAlloc_v2:1:2", "cuMemAlloc_v2:3:2", "cuMemcpyHtoDAsync_v2:1:700"}) {
    failing(what);
    EXPECT_NE(moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor), MOE_OK);
  }
  failing("cuLaunchKernel:2:700");
  EXPECT_FAILS(MOE_DEVICE_ERROR, moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor),
               "moe0: kernel 'copy': cuLaunchKernel: CUDA_ERROR_ILLEGAL_ADDRESS (700)");
  failing("cuStreamSynchronize:1:719");
  EXPECT_FAILS(MOE_DEVICE_ERROR, moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor),
               "moe0: cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED (719)");
}

TEST_F(Device, TellsOfKernelsThatFail) {
  DeviceLayer layer = loaded();
  Rows x(7), y(7, -1); // of 7 rows and more the kernel `beyond` is run
  EXPECT_FAILS(MOE_DEVICE_ERROR, moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor),
               "CUDA_ERROR_LAUNCH_FAILED (719): unspecified launch failure");
  EXPECT_EQ(y.values, std::vector<float>(7 * Rows::stride, -1));
}

TEST_F(Device, WantsAFittingDevice) {
  DeviceLibrary library;
  EXPECT_FAILS(MOE_NO_DEVICE, open(ptx(), library, 1), "expected one of 1 CUDA devices, got number 1");
  setenv("MOE_FAKE_CUDA_CHIP", "sm_75", 1);
  EXPECT_FAILS(MOE_NO_DEVICE, open(ptx(), library),
               "layer.ptx: compiled for sm_80, device 0 is sm_75; compile again with --chip=sm_75");
  setenv("MOE_FAKE_CUDA_CHIP", "sm_100", 1);
  EXPECT_EQ(open(ptx(), library), MOE_OK) << moe_last_error();
  // Code for one architecture alone.
  EXPECT_FAILS(MOE_NO_DEVICE, open(ptx(records(programText, layerText, "sm_90a")), library), "device 0 is sm_100");
  setenv("MOE_FAKE_CUDA_CHIP", "sm_90", 1);
  EXPECT_EQ(open(ptx(records(programText, layerText, "sm_90a")), library), MOE_OK) << moe_last_error();
}

TEST_F(Device, RefusesMalformedFiles) {
  DeviceLibrary library;
  EXPECT_FAILS(MOE_IO_ERROR, open(folder.file("none.ptx"), library), "none.ptx");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, open(folder.write("a.ptx", ".version 8.0\n"), library),
               "a.ptx: expected PTX with launch records, got none");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, open(ptx(records(programText, layerText, "sm_80", "2")), library),
               "'version': expected an integer from 1 to 1, got 2; compile the model again");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, open(folder.write("b.ptx", "// moe.launches: {\n"), library), "b.ptx");
  struct {
    const char *from, *to, *text;
  } cases[] = {
      {"\"name\": \"scale4\"", "\"nome\": \"scale4\"", "'name': expected a value, got nothing"},
      {"\"f32\"", "\"f31\"", "'dtype': expected f32, bf16, f16 or i32, got f31"},
      {"[-1, 4]", "[-2, 4]", "'shape': expected sizes, got -2"},
      {"[-1, 4]", "[]", "'shape': expected one or two sizes, got 0"},
      {"\"block\": 4", "\"block\": 1025", "'block': expected an integer from 1 to 1024, got 1025"},
      {"\"block\": 4", "\"block\": \"4\"", "'block': expected an integer"},
      {"T 16 * 255 + -256 &", "T 16 * 255", "expected one value of the size 'T 16 * 255', got 2"},
      {"T 16 * 255 + -256 &", "T *", "the size 'T *' has too few values at '*'"},
      {"T 16 * 255 + -256 &", "T 16x *", "got '16x'"},
      {"T 16 * 255 + -256 &", "", "expected one value of the size '', got 0"},
      {"\"sources\": 1", "\"sources\": 2", "expected 2 sources, got 1"},
  };
  for (const auto &test : cases)
    EXPECT_FAILS(MOE_INVALID_ARGUMENT, open(ptx(records(replaced(programText, test.from, test.to))), library),
                 test.text);
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, open(ptx(records(programText, replaced(layerText, "scale4", "scale5"))), library),
               "'program': expected a program of this file, got 'scale5'");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, open(ptx(records(programText, replaced(layerText, "[[{", "[[], [{"))), library),
               "expected 1 weights of layer 'moe0', got 2");
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_device_library_open(nullptr, nullptr, 0, nullptr), "null");
  EXPECT_FAILS(MOE_DEVICE_ERROR, open(ptx(records(), ".visible .entry other("), library), "CUDA_ERROR_INVALID_IMAGE");
}

TEST_F(Device, RefusesGridsThatAreTooLarge) {
  DeviceLibrary library;
  DeviceLayer layer;
  ASSERT_EQ(open(ptx(records(replaced(programText, "\"grid\": \"T\"", "\"grid\": \"T 2147483648 *\""))), library),
            MOE_OK)
      << moe_last_error();
  ASSERT_EQ(load(library, layer), MOE_OK) << moe_last_error();
  Rows x(1), y(1);
  EXPECT_FAILS(MOE_INVALID_ARGUMENT, moe_device_layer_run_host(layer.get(), &x.tensor, &y.tensor),
               "moe0: kernel 'scale': 2147483648 blocks for 1 tokens are too many");
}

TEST_F(Device, EveryWordOfASize) {
  DeviceLibrary library;
  DeviceLayer layer;
  struct {
    const char *size;
    int64_t tokens;
    size_t bytes;
  } cases[] = {
      {"T 3 + 2 *", 4, 14},     {"T 3 -", 4, 1},          {"T 3 /", 10, 3},        {"T 3 %", 10, 1},
      {"T 3 max", 2, 3},        {"T 3 min", 2, 2},        {"T 3 <", 2, 1},         {"T 3 <", 3, 0},
      {"T 3 < 10 20 ?", 2, 10}, {"T 3 < 10 20 ?", 3, 20}, {"T 63 + -64 &", 1, 64}, {"1 T 5 < T 2 * 9 ? +", 3, 7},
  };
  for (const auto &test : cases) {
    ASSERT_EQ(
        open(ptx(records(replaced(programText, "T 16 * 255 + -256 &", std::string(test.size) + " 256 *"))), library),
        MOE_OK)
        << moe_last_error();
    ASSERT_EQ(load(library, layer), MOE_OK) << moe_last_error();
    size_t bytes = 0;
    ASSERT_EQ(moe_device_layer_workspace_size(layer.get(), test.tokens, &bytes), MOE_OK) << moe_last_error();
    // And one output of T rows of 16 bytes.
    EXPECT_EQ(bytes, test.bytes * 256 + 256) << test.size;
  }
}
