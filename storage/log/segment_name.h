// The names of files in a log's directory, as Kafka has them.
//
//   00000000000000004711.log            a segment whose first record has offset 4711
//   next.prepared                       a segment-to-be, allocated ahead; gone after a restart
//   00000000000000004711.log.deleted    dropped by retention or compaction, about to be unlinked
//   00000000000000004711.log.cleaned    compaction is writing it; gone after a restart
//   00000000000000004711.log.swap       compaction finished it: it takes its range's place, after a restart
//   too
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/base/ids.h"

namespace sluice::storage {

inline constexpr absl::string_view kPreparedName = "next.prepared";
inline constexpr absl::string_view kDeletedSuffix = ".deleted";
inline constexpr absl::string_view kCleanedSuffix = ".cleaned";
inline constexpr absl::string_view kSwapSuffix = ".swap";
// compaction_state.h.
inline constexpr absl::string_view kCompactionStateName = "compaction";
// An empty file: nothing behind the checkpoint was acknowledged as durable. docs/formats/segment.md.
inline constexpr absl::string_view kPageCacheName = "page-cache";

std::string SegmentFileName(Offset base);
// Empty for any other file.
std::optional<Offset> ParseSegmentFileName(absl::string_view name);

}  // namespace sluice::storage
