// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Compare.cpp - how far two results of a layer are apart ---------------------------------------------===//

#include "moe/Driver/Compare.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir::moe;
using ::moe::Error;

double Comparison::tolerance(int32_t dtype, bool roundsRows) {
  double ofType = dtype == MOE_F32 ? 2e-5 : dtype == MOE_F16 ? 2e-3 : 1.6e-2;
  return roundsRows ? std::max(ofType, 1.0 / 127) : ofType;
}

static Difference compareTensors(const Tensor &reference, const Tensor &other, const std::vector<bool> &rows) {
  Difference difference;
  difference.name = reference.name;
  for (int64_t row = 0; row < reference.rows; ++row)
    for (int64_t col = 0; col < reference.cols; ++col) {
      double a = reference.at(row * reference.cols + col), b = other.at(row * reference.cols + col);
      if (std::isfinite(a))
        difference.scale = std::max(difference.scale, std::fabs(a));
      if (!rows[size_t(row)])
        continue;
      bool same = a == b || (std::isnan(a) && std::isnan(b));
      double distance = same ? 0 : std::fabs(a - b);
      if (!std::isfinite(distance))
        difference.notFinite = true;
      if (!(distance <= difference.largest) || !std::isfinite(distance)) {
        difference.row = row;
        difference.col = col;
        difference.largest = distance;
        if (difference.notFinite)
          return difference;
      }
    }
  return difference;
}

Expected<Comparison> mlir::moe::compareOutputs(const std::vector<Tensor> &reference, const std::vector<Tensor> &other) {
  Comparison comparison;
  if (reference.size() != other.size())
    return Error{"expected results with the same outputs, got " + std::to_string(reference.size()) + " and " +
                 std::to_string(other.size())};
  for (size_t i = 0; i < reference.size(); ++i)
    if (reference[i].name != other[i].name || reference[i].rows != other[i].rows || reference[i].cols != other[i].cols)
      return Error{"expected results with the same outputs, got '" + reference[i].name + "' and '" + other[i].name +
                   "' or other shapes"};
  comparison.rows = reference.empty() ? 0 : reference.front().rows;
  std::vector<bool> agree(size_t(comparison.rows), true);
  for (size_t i = 0; i < reference.size(); ++i)
    if (reference[i].name == "experts")
      for (int64_t at = 0; at < reference[i].rows * reference[i].cols; ++at)
        if (reference[i].at(at) != other[i].at(at))
          agree[size_t(at / reference[i].cols)] = false;
  comparison.sameExperts = std::count(agree.begin(), agree.end(), true);
  for (size_t i = 0; i < reference.size(); ++i)
    if (reference[i].name != "experts")
      comparison.differences.push_back(compareTensors(reference[i], other[i], agree));
  return comparison;
}

bool Comparison::withinTolerance(int32_t dtype, bool roundsRows) const {
  if (dtype == MOE_F32 && sameExperts != rows)
    return false;
  for (const Difference &difference : differences)
    if (difference.notFinite || difference.relative() > tolerance(dtype, roundsRows))
      return false;
  return true;
}

std::string Comparison::text() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "  experts   the same for " << sameExperts << " of " << rows << " rows\n";
  for (const Difference &difference : differences)
    os << "  " << llvm::format("%-9s", difference.name.c_str()) << " largest difference "
       << llvm::format("%.2e of the largest value %.3g, at row %lld, column %lld", difference.relative(),
                       difference.scale, (long long)difference.row, (long long)difference.col)
       << "\n";
  return text;
}
