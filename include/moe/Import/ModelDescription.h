// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a model says about its mixture-of-experts blocks, in words of this project rather than of one model family: the
// hinge between configuration files and IR. The fields span the routers and experts of all known families, so that a
// new family only fills them in.
#ifndef MOE_IMPORT_MODELDESCRIPTION_H
#define MOE_IMPORT_MODELDESCRIPTION_H

#include "moe/Checkpoint/DType.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe {

/// Which rows of a stored matrix (or elements of a stored vector) belong to the weight, when a tensor holds gate and up
/// together.
enum class RowPart { Whole, FirstHalf, SecondHalf, Even, Odd };

/// One logical weight of a block and the checkpoint tensors that hold it.
struct WeightDescription {
  std::string role;           ///< "router", "gate", "up", "down": the last part of its symbol
  std::string source;         ///< tensor name; "{e}" stands for the expert index, without it one tensor holds all
  std::vector<int64_t> shape; ///< logical: [E, D] for the router, [E, F, D] for an expert matrix, [E, F] for biases
  bool transposed = false;    ///< each matrix is stored with its dimensions exchanged
  RowPart part = RowPart::Whole;
  bool vectors = false; ///< rank 2 is a vector for each expert, rather than a matrix
  bool below = false;   ///< one tensor of rank 2 has the matrices of the experts one below the other

  bool perExpert() const { return source.find("{e}") != std::string::npos; }
  bool isVector() const { return vectors || shape.size() == 1; }
  /// Rows of a matrix (elements of a vector), and how many are stored with them.
  int64_t rows() const { return shape[shape.size() - (isVector() ? 1 : 2)]; }
  int64_t storedRows() const { return part == RowPart::Whole ? rows() : 2 * rows(); }
  /// The tensor that holds expert `expert`.
  std::string tensorName(int64_t expert) const;
  /// The shape that each of its tensors must have.
  std::vector<int64_t> storedShape() const;
  int64_t elements() const;
};

/// The number format of a stage of the router: the model's own, or f32 whatever the model's is.
enum class Precision { Model, F32 };

enum class ScoreFunction { Softmax, Sigmoid, SqrtSoftplus, Identity, One };
enum class RankBy { Logits, Scores };
enum class NormalizeOver { Each, All, Selected, Group };
enum class GroupReduce { Max, Top2Sum };
enum class GroupMask { NegInf, Zero };
enum class ScaleOn { Weight, Output };
enum class WeightOn { Output, Input };

/// Divide the selected weights by max(min, (sum |w|^p)^(1/p) + eps).
struct Renormalize {
  double p = 1.0;
  double eps = 0.0;
  double min = 0.0;
};

/// Select within the `keep` best of `count` equal groups of consecutive experts.
struct ExpertGroups {
  int64_t count;
  int64_t keep;
  GroupReduce reduce = GroupReduce::Max;
  GroupMask mask = GroupMask::NegInf;
};

struct RouterDescription {
  WeightDescription weight;
  std::optional<WeightDescription> bias;          ///< added to the logits
  std::optional<WeightDescription> selectionBias; ///< added for the comparison only
  double logitScale = 1.0;
  double softcap = 0.0; ///< cap * tanh(logit / cap), after the scale, in f32; 0: none
  ScoreFunction score = ScoreFunction::Softmax;
  RankBy rank = RankBy::Scores;
  NormalizeOver over = NormalizeOver::All;
  std::optional<ExpertGroups> groups;
  std::optional<Renormalize> renormalize;
  double scale = 1.0;
  ScaleOn scaleOn = ScaleOn::Weight;
  WeightOn weightOn = WeightOn::Output;    ///< does the weight multiply the expert's output or its input?
  int64_t capacity = 0;                    ///< most rows of an expert; 0: no limit
  Precision parameters = Precision::Model; ///< of the matrix and the bias
  Precision choice = Precision::F32;       ///< of the selection bias
  Precision projection = Precision::Model;
  Precision scores = Precision::F32;
  Precision output = Precision::F32; ///< of the weights that multiply the experts' outputs
};

enum class Activation { Silu, Gelu, GeluTanh, Relu, Relu2 };

/// down(act(gate(x)) * up(x)), or down(act(up(x))) without a gate.
struct FeedForwardDescription {
  int64_t width = 0; ///< F
  Activation activation = Activation::Silu;
  std::optional<WeightDescription> gate;
  WeightDescription up;
  WeightDescription down;
  std::optional<WeightDescription> gateBias, upBias, downBias;
  double gateLimit = 0.0;    ///< gate = min(gate, limit) before the activation; 0: none
  double upLimit = 0.0;      ///< up = clamp(up, -limit, limit); 0: none
  double upOffset = 0.0;     ///< (up + offset) * act(gate)
  double sigmoidAlpha = 1.0; ///< silu's x * sigmoid(alpha * x)

  std::vector<const WeightDescription *> weights() const;
};

/// An expert that every token visits; `gate` [1, D] weighs it by its sigmoid. The weights of one with a gate are
/// stacked, [1, F, D] and [1, D, F]: it is a routed expert without a choice.
struct SharedExpertDescription {
  FeedForwardDescription body;
  std::optional<WeightDescription> gate;
};

/// One MoE block: one function of the rows of a batch.
struct BlockDescription {
  int64_t index = 0; ///< among the MoE blocks: moe<index>
  int64_t layer = 0; ///< among all layers of the model
  int64_t experts = 0;
  int64_t topK = 0;
  int64_t modelWidth = 0; ///< D
  RouterDescription router;
  FeedForwardDescription body;
  std::vector<SharedExpertDescription> shared;

  int64_t expertWidth() const { return body.width; }
  /// Every weight, router first: the order of a kernel's arguments.
  std::vector<const WeightDescription *> weights() const;
};

struct ModelDescription {
  std::string modelType;
  std::string configFile;   ///< for messages
  int64_t layers = 0;       ///< of all kinds
  DType dtype = DType::F32; ///< F32, BF16 or F16: of the rows and the weights
  std::vector<BlockDescription> blocks;
  std::string checkpoint; ///< folder as given; empty when it has no weights
  std::string digest;     ///< Checkpoint::digest(); empty when there are no weights
};

/// "f32", "bf16": the name of a format in options and in IR.
std::string formatName(DType dtype);
/// The inverse, for F32, BF16 and F16.
std::optional<DType> formatFromName(std::string_view name);

/// silu, gelu, gelu_tanh, relu, relu2.
std::string_view activationName(Activation activation);

/// What a block costs: bytes of its weights in the model's format, of those that one token touches, and floating-point
/// operations per token.
struct BlockCost {
  int64_t weightBytes;
  int64_t activeBytes;
  int64_t flops;
};
BlockCost costOf(const BlockDescription &block, DType dtype);

/// The description in words, for people: `moe-translate --describe`.
std::string describeText(const ModelDescription &model);

} // namespace moe

#endif // MOE_IMPORT_MODELDESCRIPTION_H
