#include "proto/kafka/error_code.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "proto/base/bytes.h"

namespace sluice::kafka {
namespace {

constexpr int kFirst = -1;
constexpr int kLast = 136;

TEST(ErrorCodeTest, NamesAreKafkas) {
  EXPECT_EQ(ErrorName(ErrorCode::kUnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(ErrorName(ErrorCode::kNone), "NONE");
  EXPECT_EQ(ErrorName(ErrorCode::kOffsetOutOfRange), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(ErrorName(ErrorCode::kUnsupportedVersion), "UNSUPPORTED_VERSION");
  EXPECT_EQ(ErrorName(ErrorCode::kControllerIdNotRegistered), "CONTROLLER_ID_NOT_REGISTERED");
  EXPECT_EQ(ErrorCode::kUnsupportedVersion, static_cast<ErrorCode>(35));
}

TEST(ErrorCodeTest, EveryCodeHasItsOwnNameAndASentence) {
  std::set<std::string> names;
  for (int code = kFirst; code <= kLast; ++code) {
    names.emplace(ErrorName(static_cast<ErrorCode>(code)));
    const absl::string_view sentence = ErrorDescription(static_cast<ErrorCode>(code));
    EXPECT_TRUE(sentence.size() > 10 && sentence.back() == '.') << code;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLast - kFirst + 1));
}

TEST(ErrorCodeTest, RetriableIsWhatMayPass) {
  EXPECT_TRUE(IsRetriable(ErrorCode::kNotLeaderOrFollower));
  EXPECT_TRUE(IsRetriable(ErrorCode::kKafkaStorageError));
  EXPECT_FALSE(IsRetriable(ErrorCode::kNone));
  EXPECT_FALSE(IsRetriable(ErrorCode::kMessageTooLarge));
}

TEST(ErrorCodeTest, UnknownNumbersAreNamedSo) {
  for (const int code : {-2, 137, 32767, -32768}) {
    EXPECT_EQ(ErrorName(static_cast<ErrorCode>(code)), "UNKNOWN_ERROR_CODE");
    EXPECT_FALSE(IsRetriable(static_cast<ErrorCode>(code)));
  }
}

}  // namespace
}  // namespace sluice::kafka
