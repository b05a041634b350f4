#include "broker/topic/append.h"

#include <utility>

namespace sluice::broker {

void AppendBatch(AppendJob job, storage::Executor& pool, AppendDone done) {
  const storage::AppendContext context = {.leader_epoch = job.partition->leader_epoch(),
                                          .now_ms = job.now_ms};
  storage::AppendOutcome outcome = job.partition->log().TryAppend(job.batch, context);
  if (outcome.code != storage::AppendCode::kWouldBlock) {
    done(std::move(outcome));
    return;
  }
  pool.Post([job = std::move(job), context, done = std::move(done)]() mutable {
    done(job.partition->log().Append(job.batch, context));
  });
}

}  // namespace sluice::broker
