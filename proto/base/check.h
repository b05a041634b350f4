// CHECK: stop the process on a bug of ours, and say where and with which values. It stays on in release
// builds. Conditions of the environment (bad input, a full disk) are absl::Status, never a CHECK.
//
//   CHECK(end >= start);
//   CHECK_EQ(written, size);                  // Prints both values.
//   DCHECK(std::is_sorted(begin, end));       // Debug builds only: too dear for release.
#pragma once

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"

namespace sluice {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, absl::string_view values);

namespace check_internal {

template <class T>
std::string Show(const T& value) {
  if constexpr (requires { absl::StrCat(value); }) {
    return absl::StrCat(value);
  } else if constexpr (requires { value.value(); }) {
    return Show(value.value());
  } else if constexpr (requires { static_cast<long long>(value); }) {
    return absl::StrCat(static_cast<long long>(value));
  } else {
    return "?";
  }
}

// A function, so that temporaries among the operands live as long as they are looked at.
template <class A, class B, class Holds>
void Compare(const A& a, const B& b, Holds holds, const char* file, int line, const char* condition) {
  if (ABSL_PREDICT_FALSE(!holds(a, b))) {
    CheckFailed(file, line, condition, absl::StrCat(Show(a), " against ", Show(b)));
  }
}

}  // namespace check_internal
}  // namespace sluice

#define CHECK(condition)                                         \
  do {                                                           \
    if (ABSL_PREDICT_FALSE(!(condition))) {                      \
      ::sluice::CheckFailed(__FILE__, __LINE__, #condition, ""); \
    }                                                            \
  } while (false)

#define SLUICE_CHECK_OP(a, op, b)                                                                            \
  ::sluice::check_internal::Compare((a), (b), [](const auto& x, const auto& y) { return x op y; }, __FILE__, \
                                    __LINE__, #a " " #op " " #b)

#define CHECK_EQ(a, b) SLUICE_CHECK_OP(a, ==, b)
#define CHECK_NE(a, b) SLUICE_CHECK_OP(a, !=, b)
#define CHECK_LE(a, b) SLUICE_CHECK_OP(a, <=, b)
#define CHECK_LT(a, b) SLUICE_CHECK_OP(a, <, b)
#define CHECK_GE(a, b) SLUICE_CHECK_OP(a, >=, b)
#define CHECK_GT(a, b) SLUICE_CHECK_OP(a, >, b)

#define CHECK_OK(expression)                                                                    \
  do {                                                                                          \
    const absl::Status check_status = (expression);                                             \
    if (ABSL_PREDICT_FALSE(!check_status.ok())) {                                               \
      ::sluice::CheckFailed(__FILE__, __LINE__, #expression " is OK", check_status.ToString()); \
    }                                                                                           \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (false && (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
