#include "client/internal/address.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"

namespace sluice::client_internal {
namespace {

absl::Status Malformed(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("broker address \"", text, "\": ", why,
                                                 "; write HOST:PORT, as in localhost:9092 or [::1]:9092"));
}

}  // namespace

std::string Address::ToString() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  absl::string_view host = text;
  absl::string_view port;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) {
      return Malformed(text, "the bracket is not closed");
    }
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !absl::ConsumePrefix(&port, ":")) {
      return Malformed(text, "only :PORT may follow the bracket");
    }
  } else if (const size_t colon = text.rfind(':'); colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != absl::string_view::npos) {
      return Malformed(text, "an IPv6 address needs brackets");
    }
    if (port.empty()) {
      return Malformed(text, "the port is missing after the colon");
    }
  }
  if (host.empty()) {
    return Malformed(text, "the host is missing");
  }
  int number = kDefaultPort;
  if (!port.empty() && (!absl::SimpleAtoi(port, &number) || number < 1 || number > 65535)) {
    return Malformed(text, "the port is not a number from 1 to 65535");
  }
  return Address{std::string(host), static_cast<uint16_t>(number)};
}

absl::StatusOr<std::vector<Address>> ParseBootstrap(absl::string_view list) {
  std::vector<Address> addresses;
  for (absl::string_view part : absl::StrSplit(list, ',', absl::SkipWhitespace())) {
    ASSIGN_OR_RETURN(Address address, ParseAddress(absl::StripAsciiWhitespace(part)));
    addresses.push_back(std::move(address));
  }
  if (addresses.empty()) {
    return Malformed(list, "the list of bootstrap addresses is empty");
  }
  return addresses;
}

}  // namespace sluice::client_internal
