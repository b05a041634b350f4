// Requests as real clients sent them, from tests/golden/wire (see tests/golden/record_requests.py).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "proto/kafka/gen/all_messages.h"
#include "proto/kafka/header.h"

namespace sluice::kafka {

// Names of all files, without ".hex", sorted.
inline std::vector<std::string> GoldenNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(GOLDEN_DIR)) {
    names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

// Header and body of one request, without the frame length.
inline Bytes ReadGolden(const std::string& name) {
  std::ifstream file(std::filesystem::path(GOLDEN_DIR) / (name + ".hex"));
  EXPECT_TRUE(file.is_open()) << name;
  std::string hex;
  for (std::string line; std::getline(file, line);) {
    hex += line.starts_with('#') ? "" : line;
  }
  return ToBytes(AsBytes(absl::HexStringToBytes(hex)));
}

// Calls visit(std::type_identity<ProduceRequest>()) for the request with this key; false if there is none.
template <class Visitor>
bool VisitRequest(int16_t api_key, Visitor visit) {
  bool found = false;
  VisitMessages([&](auto type) {
    using Message = typename decltype(type)::type;
    if constexpr (requires { typename Message::Response; }) {
      if (Message::kApiKey == api_key) {
        found = true;
        visit(type);
      }
    }
  });
  return found;
}

}  // namespace sluice::kafka
