// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a folder or a config.json to a description that agrees with the weights beside it.
#include "moe/Import/HuggingFace.h"

#include "moe/Checkpoint/File.h"
#include "moe/Checkpoint/Text.h"

#include <sys/stat.h>

using namespace moe;

static bool isFolder(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

static bool endsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

bool moe::isModelInput(const std::string &input) { return endsWith(input, ".json") || isFolder(input); }

/// The config as a file, and the folder that may hold its weights.
static Expected<Config> readConfig(const std::string &input, std::string &folder) {
  if (isFolder(input)) {
    // "model" and "model/" are one folder, and give the same messages and the same IR.
    folder = input;
    while (folder.size() > 1 && folder.back() == '/')
      folder.pop_back();
    // The folder may come from anywhere; its links may not lead out of it.
    Expected<std::string> path = resolveInside(folder, "config.json");
    if (!path)
      return Error{path.message() + "; expected a checkpoint folder with a config.json"};
    return Config::read(folder + "/config.json");
  }
  if (!endsWith(input, ".json"))
    return Error{printable(input) + ": expected a checkpoint folder or its config.json"};
  size_t slash = input.rfind('/');
  folder = slash == std::string::npos ? "." : slash == 0 ? "/" : input.substr(0, slash);
  return Config::read(input);
}

Expected<ModelDescription> moe::loadModel(const std::string &input, const LoadOptions &options,
                                          const FamilyRegistry &registry) {
  std::string folder;
  Expected<Config> config = readConfig(input, folder);
  if (!config)
    return config.error();

  ConfigReader reader(*config);
  std::string modelType = reader.string({"model_type"}, "");
  if (!reader.ok())
    return reader.error();
  const ModelFamily *family = registry.find(modelType);
  if (!family) {
    std::string known;
    for (const std::string &name : registry.names())
      known += (known.empty() ? "" : ", ") + name;
    if (modelType.empty())
      return Error{config->file + ": no model_type; supported: " + known};
    return Error{config->file + ": model_type " + quote(modelType) + " is not supported; did you mean " +
                 quote(registry.nearest(modelType)) + "? supported: " + known};
  }

  std::unique_ptr<Checkpoint> checkpoint;
  if (options.weights != WeightsPolicy::Ignored) {
    if (Checkpoint::present(folder)) {
      Expected<std::unique_ptr<Checkpoint>> opened = Checkpoint::open(folder);
      if (!opened)
        return opened.error();
      checkpoint = std::move(*opened);
    } else if (options.weights == WeightsPolicy::Required) {
      return Error{printable(folder) +
                   ": no weights; expected model.safetensors or model.safetensors.index.json, or use "
                   "--random-weights SEED"};
    }
  }

  Expected<ModelDescription> model = family->describe(*config, checkpoint.get());
  if (!model)
    return model.error();
  model->modelType = modelType;
  model->configFile = config->file;
  if (model->blocks.empty())
    return Error{config->file + ": none of the " + std::to_string(model->layers) + " layers is a MoE block"};
  if (checkpoint) {
    Expected<Unit> checked = checkTensors(*model, *checkpoint);
    if (!checked)
      return checked.error();
    // What is stored counts for more than what config.json says about it.
    const WeightDescription &weight = model->blocks.front().body.up;
    model->dtype = checkpoint->find(weight.tensorName(0))->dtype;
    model->checkpoint = folder;
    model->digest = checkpoint->digest();
  }
  if (options.dtype)
    model->dtype = *options.dtype;
  return model;
}
