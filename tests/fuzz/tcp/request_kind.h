// The requests that the codec knows, without their types: make one, read one, read the answer to one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "tests/unit/kafka_wire/randomizer.h"

namespace sluice::fuzz {

// What a body says, when it is one of its version, to the last byte.
struct Reading {
  // The same, but that nothing in it waits for longer than the fuzzer has time.
  Bytes body;
  bool wants_no_answer = false;  // Produce with acks=0.
};

struct RequestKind {
  int16_t key = 0;
  absl::string_view name;
  int16_t min_version = 0;  // Of the codec: a broker may advertise older ones only to refuse them.
  int16_t max_version = 0;

  Bytes (*make_body)(kafka::Randomizer& randomizer, int16_t version) = nullptr;
  std::optional<Reading> (*read)(ByteView body, int16_t version) = nullptr;
  // What is wrong with an answer; empty when nothing is. `frame` begins with the response header.
  std::string (*check_answer)(ByteView frame, int16_t version) = nullptr;
};

// By rising key.
std::span<const RequestKind> RequestKinds();
// Null when the codec does not know the key.
const RequestKind* FindKind(int16_t key);

}  // namespace sluice::fuzz
