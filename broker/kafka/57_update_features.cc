// UpdateFeatures (57): raises or lowers the levels of features.
//
//   v0 flexible from the start      v1 dry runs; a kind of upgrade for each feature
//   v2 one result for all of them
//
// Levels belong to the broker's version and do not change while it runs: what is in force may be asked for,
// all else is refused, with the reason. So a dry run and a real one are the same.
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/kafka/features.h"
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::UpdateFeaturesRequest;
using Response = kafka::UpdateFeaturesResponse;
using Update = Request::FeatureUpdateKey;

constexpr int16_t kOneResultFrom = 2;
constexpr int8_t kUpgrade = 1;
constexpr int8_t kUnsafeDowngrade = 3;

TopicError Invalid(const Update& update, absl::string_view reason) {
  return {.code = ErrorCode::kInvalidUpdateVersion,
          .message = absl::StrCat("level ", update.max_version_level, " of ", update.feature, ": ", reason)};
}

// Version 0 has a flag where later ones have a number.
bool IsUpgrade(const Update& update, int16_t version) {
  return version == 0 ? !update.allow_downgrade : update.upgrade_type == kUpgrade;
}

TopicError Check(const Update& update, int16_t version) {
  if (version > 0 && (update.upgrade_type < kUpgrade || update.upgrade_type > kUnsafeDowngrade)) {
    return Invalid(update, "the kind of upgrade is not 1 upgrade, 2 safe or 3 unsafe downgrade");
  }
  const Feature* feature = FindFeature(update.feature);
  if (feature == nullptr) {
    return Invalid(update, "this broker has no such feature");
  }
  const int16_t level = update.max_version_level;
  if (level < feature->min_supported || level > feature->max_supported) {
    return Invalid(update, absl::StrCat("this broker supports ", feature->min_supported, " to ",
                                        feature->max_supported));
  }
  if (level == feature->level) {
    return {};
  }
  if ((level > feature->level) != IsUpgrade(update, version)) {
    return Invalid(update,
                   absl::StrCat("the level is ", feature->level, " and the kind of upgrade the other"));
  }
  return {.code = ErrorCode::kFeatureUpdateFailed,
          .message = absl::StrCat("the level of ", update.feature, " is ", feature->level,
                                  ", which belongs to this version of the broker and cannot be changed")};
}

void AddResult(const Update& update, const TopicError& error, Response* response) {
  auto& result = response->results.emplace_back();
  result.feature = update.feature;
  result.error_code = kafka::ToWire(error.code);
  if (!error.ok()) {
    result.error_message = error.message;
  }
}

}  // namespace

kafka::UpdateFeaturesResponse HandleUpdateFeatures(const Request& request, Call& call) {
  kafka::UpdateFeaturesResponse response;
  for (const Update& update : request.feature_updates) {
    const TopicError error = Check(update, call.version());
    if (call.version() < kOneResultFrom) {
      AddResult(update, error, &response);
    } else if (!error.ok()) {
      response.error_code = kafka::ToWire(error.code);
      response.error_message = absl::StrCat("nothing was changed: ", error.message);
      break;
    }
  }
  return response;
}

}  // namespace sluice::broker
