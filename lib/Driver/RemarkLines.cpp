// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RemarkLines.cpp - what passes did and what they declined, as lines ---------------------------------===//

#include "moe/Driver/RemarkLines.h"

#include "mlir/IR/Remarks.h"

#include "llvm/Support/raw_ostream.h"

#include <mutex>
#include <set>
#include <vector>

using namespace mlir;
using namespace mlir::moe;

/// Functions are compiled side by side.
struct RemarkLines::Lines {
  std::mutex lock;
  std::vector<std::string> inOrder;
  std::set<std::string> seen;

  void add(std::string line) {
    std::lock_guard<std::mutex> held(lock);
    if (seen.insert(line).second)
      inOrder.push_back(std::move(line));
  }
};

static std::string lineOf(const remark::detail::Remark &remark) {
  std::string line =
      (remark.getCombinedCategoryName() + ": " + remark.getFunction() + ": " + remark.getRemarkName()).str();
  for (const remark::detail::Remark::Arg &arg : remark.getArgs())
    line += (arg.key == "Reason" ? ", because " : ": ") + arg.val;
  return line;
}

namespace {
template <typename Sink>
struct Streamer : remark::detail::MLIRRemarkStreamerBase {
  explicit Streamer(Sink sink) : sink(std::move(sink)) {}
  void streamOptimizationRemark(const remark::detail::Remark &remark) override { sink(remark); }
  Sink sink;
};
} // namespace

RemarkLines::RemarkLines(MLIRContext *context) : context(context), lines(std::make_shared<Lines>()) {
  auto sink = [lines = lines](const remark::detail::Remark &remark) { lines->add(lineOf(remark)); };
  remark::RemarkCategories categories;
  categories.passed = categories.missed = categories.analysis = categories.failed = ".*";
  auto engine = std::make_unique<remark::detail::RemarkEngine>(/*printAsEmitRemarks=*/false, categories);
  std::string why;
  // Cannot fail without a file to open.
  if (succeeded(engine->initialize(std::make_unique<Streamer<decltype(sink)>>(std::move(sink)),
                                   std::make_unique<remark::RemarkEmittingPolicyAll>(), &why)))
    context->setRemarkEngine(std::move(engine));
}

RemarkLines::~RemarkLines() { context->setRemarkEngine(nullptr); }

std::string RemarkLines::text() const {
  std::lock_guard<std::mutex> held(lines->lock);
  std::string text;
  for (const std::string &line : lines->inOrder)
    text += line + "\n";
  return text;
}
