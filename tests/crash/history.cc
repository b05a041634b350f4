#include "tests/crash/history.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice::crash {
namespace {

struct Place {
  int32_t partition = 0;
  int64_t offset = 0;
};

class Checker {
 public:
  Anomalies Run(const std::vector<Ack>& acks, const std::map<int32_t, std::vector<Stored>>& stored,
                const std::vector<int64_t>& next_sequence) {
    for (const auto& [partition, records] : stored) {
      Walk(partition, records, next_sequence);
    }
    for (const Ack& ack : acks) {
      CheckAck(ack);
    }
    return found_;
  }

 private:
  void Note(int64_t* counter, const std::string& what) {
    ++*counter;
    if (found_.first.empty()) {
      found_.first = what;
    }
  }

  void Walk(int32_t partition, const std::vector<Stored>& records,
            const std::vector<int64_t>& next_sequence) {
    std::map<int, int64_t> last;
    for (const Stored& record : records) {
      const Value& value = record.value;
      const std::string name = absl::StrCat(value.Text(), " at ", partition, "/", record.offset);
      if (value.producer < 0 || static_cast<size_t>(value.producer) >= next_sequence.size() ||
          value.sequence >= next_sequence[static_cast<size_t>(value.producer)]) {
        Note(&found_.foreign, absl::StrCat("nobody sent ", name));
        continue;
      }
      if (!places_.emplace(value.Text(), Place{partition, record.offset}).second) {
        Note(&found_.duplicated, absl::StrCat("twice: ", name));
        continue;
      }
      if (const auto before = last.find(value.producer);
          before != last.end() && before->second > value.sequence) {
        Note(&found_.reordered, absl::StrCat("out of order: ", name));
      }
      last[value.producer] = value.sequence;
    }
  }

  void CheckAck(const Ack& ack) {
    const auto place = places_.find(ack.value.Text());
    const std::string acked = absl::StrCat(ack.value.Text(), " acked at ", ack.partition, "/", ack.offset);
    if (place == places_.end()) {
      Note(&found_.lost, absl::StrCat("lost: ", acked));
    } else if (place->second.partition != ack.partition || place->second.offset != ack.offset) {
      Note(&found_.moved, absl::StrCat(acked, " is at ", place->second.partition, "/", place->second.offset));
    }
  }

  absl::flat_hash_map<std::string, Place> places_;
  Anomalies found_;
};

}  // namespace

std::string Value::Text() const {
  return absl::StrCat(producer, ":", sequence);
}

bool Value::Parse(absl::string_view text, Value* value) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  return absl::SimpleAtoi(parts.first, &value->producer) && absl::SimpleAtoi(parts.second, &value->sequence);
}

Anomalies Check(const std::vector<Ack>& acks, const std::map<int32_t, std::vector<Stored>>& stored,
                const std::vector<int64_t>& next_sequence) {
  return Checker().Run(acks, stored, next_sequence);
}

}  // namespace sluice::crash
