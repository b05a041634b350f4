// What a log dir gives each of its logs. All of it outlives the log's last task; a log that was closed or
// abandoned touches none of it.
#pragma once

#include "proto/base/clock.h"
#include "storage/disk/disk.h"
#include "storage/disk/executor.h"
#include "storage/index/offset_index.h"
#include "storage/log/sync_scheduler.h"

namespace sluice::storage {

// LogDirOptions, as far as they concern a single log.
struct LogLimits {
  int64_t checkpoint_interval_bytes = 64ll << 20;
  int64_t idle_unmap_ms = 60'000;
  int64_t producer_id_expiration_ms = 86'400'000;
};

struct LogContext {
  Disk& disk;
  Clock& clock;
  Executor& pool;
  OffsetIndex& index;
  SyncScheduler& syncs;
  SyncFailure& failure;
  LogLimits limits;
};

}  // namespace sluice::storage
