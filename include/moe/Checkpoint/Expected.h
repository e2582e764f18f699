// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value or the reason why there is none. The LLVM-free libraries return this instead of throwing: an error is one
// line of text, "FILE: what, expected, got, what to do", that a tool prints behind its own name.
#ifndef MOE_CHECKPOINT_EXPECTED_H
#define MOE_CHECKPOINT_EXPECTED_H

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace moe {

struct Error {
  std::string message;
};

/// The value of an operation that only succeeds or fails.
struct Unit {};

template <class T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : state(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &operator*() & { return *value(); }
  const T &operator*() const & { return *value(); }
  T &&operator*() && { return std::move(*value()); }
  T *operator->() { return value(); }
  const T *operator->() const { return value(); }

  const std::string &message() const { return failure()->message; }
  const Error &error() const { return *failure(); }

private:
  // get_if rather than get: the headers are also used by code compiled without exceptions.
  T *value() {
    assert(ok() && "no value: look at error()");
    return std::get_if<0>(&state);
  }
  const T *value() const {
    assert(ok() && "no value: look at error()");
    return std::get_if<0>(&state);
  }
  const Error *failure() const {
    assert(!ok() && "no error: there is a value");
    return std::get_if<1>(&state);
  }

  std::variant<T, Error> state;
};

} // namespace moe

#endif // MOE_CHECKPOINT_EXPECTED_H
