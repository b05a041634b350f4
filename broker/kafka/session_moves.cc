#include "broker/kafka/session_moves.h"

namespace sluice::broker {

SessionMoves::Moved SessionMoves::Take() {
  absl::MutexLock lock(&mu_);
  return std::exchange(moved_, {});
}

bool SessionMoves::Arm(absl::AnyInvocable<void()> bell) {
  absl::MutexLock lock(&mu_);
  if (!moved_.empty()) {
    return false;
  }
  bell_ = std::move(bell);
  return true;
}

void SessionMoves::Ring() {
  absl::AnyInvocable<void()> bell;
  {
    absl::MutexLock lock(&mu_);
    bell = std::exchange(bell_, nullptr);
  }
  if (bell != nullptr) {
    bell();
  }
}

void SessionMoves::Disarm() {
  absl::MutexLock lock(&mu_);
  bell_ = nullptr;
}

void SessionMoves::Forget(Watch& watch) {
  absl::MutexLock lock(&mu_);
  moved_.erase(watch.of_);
  watch.of_ = nullptr;
}

void SessionMoves::Note(Watch* watch) {
  absl::MutexLock lock(&mu_);
  if (watch->of_ != nullptr) {
    moved_.insert(watch->of_);
  }
}

}  // namespace sluice::broker
