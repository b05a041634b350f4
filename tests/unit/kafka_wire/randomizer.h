// Fills wire fields with random content of any legal kind: extremes, empties, nulls. What generated code
// calls.
#pragma once

#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/uuid.h"
#include "proto/kafka/records.h"

namespace sluice::kafka {

// What messages are made of besides random content, for those who want them to be understood, too.
struct Vocabulary {
  std::vector<std::string> texts;
  std::vector<Uuid> ids;
  std::vector<Bytes> records;
  uint64_t numbers_below = 0;  // From -1 on: partitions, offsets and epochs that are there.
};

// Owns the bytes that filled views point to, so it must outlive the messages.
class Randomizer {
 public:
  // Of two texts, ids, records and numbers one is out of the vocabulary, which must outlive it, if there is
  // one.
  explicit Randomizer(uint64_t seed, const Vocabulary* vocabulary = nullptr)
      : random_(seed), vocabulary_(vocabulary) {}

  template <std::integral T>
  void Fill(T* to) {
    if (vocabulary_ != nullptr && random_.Below(2) == 0) {
      *to = static_cast<T>(random_.Below(vocabulary_->numbers_below + 1) - 1);
      return;
    }
    switch (random_.Below(8)) {
      case 0:
        *to = std::numeric_limits<T>::min();
        return;
      case 1:
        *to = std::numeric_limits<T>::max();
        return;
      case 2:
        *to = T(0);
        return;
      default:
        *to = static_cast<T>(random_.Next());
    }
  }
  void Fill(bool* to) { *to = random_.Below(2) == 1; }
  void Fill(double* to) { *to = static_cast<double>(random_.Next()) / 3.0; }
  void Fill(Uuid* to) {
    if (vocabulary_ == nullptr || !Pick(vocabulary_->ids, to)) {
      *to = random_.Below(4) == 0 ? Uuid{} : Uuid::Generate(random_);
    }
  }
  void Fill(std::string* to) {
    if (vocabulary_ == nullptr || !Pick(vocabulary_->texts, to)) {
      *to = std::string(AsText(NewBytes()));
    }
  }
  void Fill(ByteView* to) { *to = NewBytes(); }
  void Fill(Records* to) {
    Bytes batch;
    if (vocabulary_ != nullptr && Pick(vocabulary_->records, &batch)) {
      *to = {.bytes = arena_.emplace_back(std::move(batch))};
    } else {
      *to = {.bytes = NewBytes()};
    }
  }

  template <class T, class FillElement>
  void FillArray(std::vector<T>* to, FillElement fill) {
    to->resize(random_.Below(4));
    for (T& element : *to) {
      fill(element);
    }
  }

  // Fills `to`, or makes it null where `is_null_allowed`.
  template <class T, class FillElement>
  void FillOptional(std::optional<std::vector<T>>* to, bool is_null_allowed, FillElement fill) {
    to->reset();
    if (!is_null_allowed || random_.Below(4) != 0) {
      FillArray(&to->emplace(), fill);
    }
  }
  template <class T, class FillElement>
  void FillOptional(std::optional<T>* to, bool is_null_allowed, FillElement fill) {
    to->reset();
    if (!is_null_allowed || random_.Below(4) != 0) {
      fill(to->emplace());
    }
  }

 private:
  template <class T>
  bool Pick(const std::vector<T>& words, T* to) {
    if (words.empty() || random_.Below(2) == 0) {
      return false;
    }
    *to = words[random_.Below(words.size())];
    return true;
  }

  // Mostly short; now and then long enough for lengths of two bytes.
  ByteView NewBytes() {
    Bytes& bytes = arena_.emplace_back(random_.Below(random_.Below(10) == 0 ? 300 : 12));
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(random_.Next());
    }
    return bytes;
  }

  Random random_;
  const Vocabulary* const vocabulary_;
  std::deque<Bytes> arena_;
};

}  // namespace sluice::kafka
