// One Fetch request of a member that reads on.
#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/history.h"
#include "tests/support/async_connection.h"

namespace sluice::crash {

// What stands at the offsets of `next` (by partition) and behind them, if it comes soon. False: an error,
// nothing is known.
asio::awaitable<bool> FetchRecords(AsyncConnection& connection, const std::string& topic,
                                   const std::map<int32_t, int64_t>& next, std::vector<ReadRecord>* records);

}  // namespace sluice::crash
