// The one way into a partition's log, for every face of the broker.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "broker/topic/partition.h"
#include "proto/record/batch_view.h"
#include "storage/disk/executor.h"
#include "storage/log/log.h"

namespace sluice::broker {

struct AppendJob {
  std::shared_ptr<Partition> partition;  // Shared with the catalog, which may drop the topic meanwhile.
  record::BatchView batch;  // CheckBatch() found it good. Its bytes must live until `done` is called.
  int64_t now_ms = 0;
};
using AppendDone = absl::AnyInvocable<void(storage::AppendOutcome)>;

// Appends on the calling thread if that cannot block, or else on `pool`; calls `done` once, on whichever
// thread that was. Batches of one producer keep their order only if the next one is given after `done` of the
// last.
void AppendBatch(AppendJob job, storage::Executor& pool, AppendDone done);

}  // namespace sluice::broker
