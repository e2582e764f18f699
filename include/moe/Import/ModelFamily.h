// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model family knows how one kind of config.json describes its MoE blocks and how its tensors are called. A new
// family is a file in lib/Import/Families and its name in the list of lib/Import/CMakeLists.txt.
#ifndef MOE_IMPORT_MODELFAMILY_H
#define MOE_IMPORT_MODELFAMILY_H

#include "moe/Checkpoint/Checkpoint.h"
#include "moe/Import/Config.h"
#include "moe/Import/ModelDescription.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moe {

class ModelFamily {
public:
  virtual ~ModelFamily() = default;

  /// The values of model_type that it describes.
  virtual std::vector<std::string_view> names() const = 0;

  /// Its router and experts in one line, for --list-architectures.
  virtual std::string_view summary() const = 0;

  /// Describes the blocks. The checkpoint is null when there is none; a family may look at it to tell which of several
  /// layouts it has before it. That tensors exist and have their shapes is checked afterwards, for every family alike.
  virtual Expected<ModelDescription> describe(const Config &config, const Checkpoint *checkpoint) const = 0;
};

class FamilyRegistry {
public:
  /// The families of this project.
  static const FamilyRegistry &builtIn();

  void add(std::unique_ptr<ModelFamily> family);

  /// Null when no family has this model_type.
  const ModelFamily *find(std::string_view modelType) const;
  /// The known model_type with the fewest edits; ties go to the first in alphabetical order.
  std::string nearest(std::string_view modelType) const;
  /// Every model_type, in alphabetical order.
  std::vector<std::string> names() const;

private:
  std::vector<std::unique_ptr<ModelFamily>> families;
};

/// Every known model_type with its family's summary, for `moe-translate --list-architectures`.
std::string listArchitecturesText(const FamilyRegistry &registry = FamilyRegistry::builtIn());

} // namespace moe

#endif // MOE_IMPORT_MODELFAMILY_H
