// How sluice-broker ends.
#pragma once

namespace sluice::broker {

inline constexpr int kExitFailed = 1;         // Could not start, or not stop in order; stderr says why.
inline constexpr int kExitUsage = 2;          // The command line or the configuration makes no sense.
inline constexpr int kExitStorageFailed = 3;  // A sync failed: at once when no log dir was left, else after
                                              // an orderly stop. See docs/architecture.md.

}  // namespace sluice::broker
