// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Library.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <exception>
#include <utility>

using namespace nb::literals;
using Text = std::optional<std::string>;

static const char *orNull(const Text &text) { return text ? text->c_str() : nullptr; }

static void check(moe_status status) {
  if (status != MOE_OK)
    throw RuntimeFailure(moe_last_error());
}

static void checkCompiler(moe_status status) {
  if (status != MOE_OK)
    throw CompileError(moe_compiler_last_error());
}

static std::string taken(moe_status status, char *text) {
  checkCompiler(status);
  std::string copy = text;
  moe_text_free(text);
  return copy;
}

Pool::Pool(int threads) {
  moe_pool *made = nullptr;
  check(moe_pool_create(threads, &made));
  pool.reset(made);
}

namespace {

/// The options of a compilation with the memory that their texts are in.
struct Source {
  std::string input;
  Text text, dtype, layers, checkpoint, cpu;
  bool randomWeights = false, reference = false;

  moe_compiler_options options() const {
    return {input.c_str(),      orNull(text), orNull(dtype), orNull(layers),
            orNull(checkpoint), orNull(cpu),  randomWeights, reference};
  }
};

} // namespace

static std::shared_ptr<Library> compile(const Source &source) {
  nb::gil_scoped_release release;
  auto result = std::make_shared<Library>();
  moe_compiler_options options = source.options();
  moe_code *code = nullptr;
  checkCompiler(moe_compile(&options, &code));
  result->code.reset(code);
  moe_library *library = nullptr;
  check(moe_library_wrap(moe_code_library(code), &library));
  result->library.reset(library);
  return result;
}

static std::shared_ptr<Library> open(const std::string &path) {
  nb::gil_scoped_release release;
  auto result = std::make_shared<Library>();
  moe_library *library = nullptr;
  check(moe_library_open(path.c_str(), &library));
  result->library.reset(library);
  return result;
}

static const moe_layer_desc &layerAt(const Library &library, int64_t index) {
  if (index < 0 || index >= library.desc().num_layers)
    throw nb::index_error("no such layer");
  return library.desc().layers[index];
}

static nb::list operands(const moe_operand_desc *operands, int64_t count) {
  nb::list list;
  for (int64_t i = 0; i < count; ++i) {
    nb::list shape;
    for (int64_t d = 0; d < operands[i].rank; ++d)
      shape.append(operands[i].shape[d]);
    list.append(nb::make_tuple(operands[i].name, nb::tuple(shape), operands[i].dtype));
  }
  return list;
}

static nb::dict description(const Library &library, int64_t index) {
  const moe_layer_desc &layer = layerAt(library, index);
  nb::dict dict;
  dict["name"] = layer.name;
  dict["block"] = layer.block;
  dict["experts"] = layer.experts;
  dict["top_k"] = layer.top_k;
  dict["model_width"] = layer.model_width;
  dict["expert_width"] = layer.expert_width;
  dict["inputs"] = operands(layer.inputs, layer.num_inputs);
  dict["outputs"] = operands(layer.outputs, layer.num_outputs);
  return dict;
}

/// (name, experts that one name stands for) of every tensor that the layer's variants are made of.
static std::vector<std::pair<std::string, int64_t>> sources(const Library &library, int64_t index) {
  std::vector<std::pair<std::string, int64_t>> names;
  const moe_layer_desc &layer = layerAt(library, index);
  const moe_variant_desc &variant = layer.variants[0]; // all variants have the same tensors
  for (int64_t w = 0; w < variant.num_weights; ++w)
    for (int64_t s = 0; s < variant.weights[w].num_sources; ++s)
      names.emplace_back(variant.weights[w].sources[s].name, variant.weights[w].experts);
  return names;
}

static std::shared_ptr<Layer> begun(const std::shared_ptr<Library> &library, int64_t index,
                                    const std::shared_ptr<Pool> &pool) {
  auto layer = std::make_shared<Layer>();
  layer->library = library;
  layer->pool = pool;
  layer->desc = &layerAt(*library, index);
  return layer;
}

namespace {

/// Calls a Python function of (done, total) from whichever thread packs. What it raises is raised when the load is
/// over.
class Reporter {
public:
  Reporter(nb::object function, moe_load_options &options) : function(std::move(function)) {
    if (this->function.is_none())
      return;
    options.progress = &call;
    options.progress_data = this;
  }

  /// With the GIL held.
  void raise() {
    if (failure)
      std::rethrow_exception(std::exchange(failure, nullptr));
  }

private:
  static void call(void *data, int64_t done, int64_t total) {
    auto *self = static_cast<Reporter *>(data);
    nb::gil_scoped_acquire held;
    if (self->failure)
      return;
    try {
      self->function(done, total);
    } catch (...) {
      self->failure = std::current_exception();
    }
  }

  nb::object function;
  std::exception_ptr failure;
};

} // namespace

static std::shared_ptr<Layer> load(const std::shared_ptr<Library> &library, int64_t index,
                                   const std::shared_ptr<Pool> &pool, const Text &checkpoint,
                                   std::optional<uint64_t> seed, const Text &packed, const nb::object &progress) {
  auto layer = begun(library, index, pool);
  moe_load_options options = {};
  Reporter reporter(progress, options);
  options.checkpoint = orNull(checkpoint);
  options.random_weights = seed.has_value();
  options.seed = seed.value_or(0);
  options.check_digest = 1;
  options.pool = pool->pool.get();
  options.packed = orNull(packed);
  {
    nb::gil_scoped_release release;
    moe_layer *loaded = nullptr;
    check(moe_layer_load(library->library.get(), index, &options, &loaded));
    layer->layer.reset(loaded);
  }
  reporter.raise();
  return layer;
}

static std::shared_ptr<Layer> loadTensors(const std::shared_ptr<Library> &library, int64_t index,
                                          const std::shared_ptr<Pool> &pool, nb::dict given,
                                          const nb::object &progress) {
  auto layer = begun(library, index, pool);
  struct Held {
    std::string name;
    AnyArray array;
    std::vector<int64_t> shape;
    int32_t dtype;
  };
  std::vector<Held> held;
  for (auto [key, value] : given) {
    Held tensor{nb::cast<std::string>(key), {}, {}, 0};
    bool named = nb::isinstance<nb::tuple>(value); // (array, moe_dtype), where DLPack does not know the type
    if (!nb::try_cast<AnyArray>(named ? nb::object(value[0]) : nb::borrow(value), tensor.array))
      throw nb::type_error((tensor.name +
                            ": expected an array that has __dlpack__, such as one of NumPy or PyTorch, got " +
                            nb::cast<std::string>(nb::str(value.type())))
                               .c_str());
    tensor.dtype = named ? nb::cast<int32_t>(value[1]) : dtypeOf(tensor.array.dtype());
    int64_t step = 1;
    for (size_t d = tensor.array.ndim(); d-- > 0;) {
      tensor.shape.insert(tensor.shape.begin(), int64_t(tensor.array.shape(d)));
      if (tensor.array.shape(d) != 1 && tensor.array.stride(d) != step)
        throw nb::value_error((tensor.name + ": expected a contiguous tensor").c_str());
      step *= tensor.shape.front();
    }
    if (tensor.array.device_type() != nb::device::cpu::value)
      throw nb::type_error((tensor.name + ": expected a tensor in the host's memory").c_str());
    if (!tensor.dtype)
      throw nb::type_error((tensor.name + ": expected float32, bfloat16 or float16").c_str());
    held.push_back(std::move(tensor));
  }
  std::vector<moe_named_tensor> tensors;
  for (const Held &tensor : held)
    tensors.push_back(
        {tensor.name.c_str(), tensor.array.data(), tensor.shape.data(), int64_t(tensor.shape.size()), tensor.dtype, 0});
  moe_load_options options = {};
  options.pool = pool->pool.get();
  Reporter reporter(progress, options);
  {
    nb::gil_scoped_release release;
    moe_layer *loaded = nullptr;
    check(moe_layer_load_tensors(library->library.get(), index, tensors.data(), int64_t(tensors.size()), &options,
                                 &loaded));
    layer->layer.reset(loaded);
  }
  reporter.raise();
  return layer;
}

static std::string summary(const Library &library) {
  char *text = nullptr;
  moe_status status = moe_summary(&library.desc(), &text);
  return taken(status, text);
}

void bindLibrary(nb::module_ &module) {
  nb::class_<Pool>(module, "Pool", "Threads that layers run on.")
      .def(nb::init<int>(), "threads"_a = 0, "0: one thread for each CPU this process may use.")
      .def_prop_ro("threads", [](const Pool &pool) { return moe_pool_threads(pool.pool.get()); });

  nb::class_<Source>(module, "Source", "What is compiled, and for which machine.")
      .def(
          "__init__",
          [](Source *self, std::string input, Text text, Text dtype, Text layers, Text checkpoint, Text cpu,
             bool randomWeights, bool reference) {
            new (self) Source{std::move(input),      std::move(text), std::move(dtype), std::move(layers),
                              std::move(checkpoint), std::move(cpu),  randomWeights,    reference};
          },
          "input"_a, "text"_a = nb::none(), "dtype"_a = nb::none(), "layers"_a = nb::none(),
          "checkpoint"_a = nb::none(), "cpu"_a = nb::none(), "random_weights"_a = false, "reference"_a = false)
      .def(
          "ir",
          [](const Source &self, const std::string &stage) {
            nb::gil_scoped_release release;
            moe_compiler_options options = self.options();
            char *text = nullptr;
            moe_status status = moe_compile_to_stage(&options, stage.c_str(), &text);
            return taken(status, text);
          },
          "stage"_a, "The IR at a stage: model, grouped, linalg, kernel or target.")
      .def(
          "write",
          [](const Source &self, const std::string &emit, const std::string &output) {
            nb::gil_scoped_release release;
            moe_compiler_options options = self.options();
            checkCompiler(moe_compile_to_file(&options, emit.c_str(), output.c_str()));
          },
          "emit"_a, "output"_a, "Compiles to a file: shared, header, obj, asm, llvm or mlir.")
      .def("compile", &compile, "Compiles in this process.");

  nb::class_<Library>(module, "Library", "Compiled code, with a description of its layers.")
      .def_static("open", &open, "path"_a)
      .def_prop_ro("num_layers", [](const Library &self) { return self.desc().num_layers; })
      .def_prop_ro("model_type", [](const Library &self) { return self.desc().model_type; })
      .def_prop_ro("checkpoint", [](const Library &self) { return self.desc().checkpoint; })
      .def_prop_ro(
          "report",
          [](const Library &self) { return self.code ? std::string(moe_code_report(self.code.get())) : summary(self); })
      .def("describe", &description, "index"_a)
      .def("sources", &sources, "index"_a, "(name, number of experts) of the tensors a layer is made of.")
      .def("load", &load, "index"_a, "pool"_a, "checkpoint"_a = nb::none(), "seed"_a = nb::none(),
           "packed"_a = nb::none(), "progress"_a = nb::none())
      .def("load_tensors", &loadTensors, "index"_a, "pool"_a, "tensors"_a, "progress"_a = nb::none());

  module.def(
      "describe",
      [](const std::string &input, bool json) {
        nb::gil_scoped_release release;
        char *text = nullptr;
        moe_status status = moe_describe(input.c_str(), json, &text);
        return taken(status, text);
      },
      "input"_a, "json"_a = false);
  module.def("list_architectures", [] {
    char *text = nullptr;
    moe_status status = moe_list_architectures(&text);
    return taken(status, text);
  });
}
