// Puts the answers of a ResponseQueue on a socket, as many per system call as there are.
//
//   answers   [bytes] [bytes|small file|bytes] [bytes| large file               |bytes] [bytes]
//   calls     |------------ one sendmsg ------------|-- sendfile, in steps --|--- one sendmsg ---|
//
// It never blocks: it says what it waits for, and the connection waits.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <vector>

#include "broker/net/cold_stretch.h"
#include "broker/net/drop_behind.h"
#include "broker/net/net_stats.h"
#include "broker/net/response_queue.h"
#include "broker/net/transfer.h"

namespace sluice::broker {

inline constexpr size_t kScratchBytes = 256 * 1024;

enum class WriteStep : uint8_t {
  kIdle,      // Everything that is ready was sent.
  kBlocked,   // Until the socket is writable.
  kTurnOver,  // There is more to send, but other connections should have their turn.
  kCold,      // Until cold_range() is resident; then call CacheIsWarm().
  kClose,     // The answers before a kClose were sent; error() is its reason.
  kPeerGone,  // The socket failed.
  kBroken,    // The response cannot be finished: the file is too short, or its disk failed. error() says.
};

// What the writers of one thread share: scratch memory and the way to transfer. One thread only.
struct WriteTools {
  WriteTools(TransferMethod method, uint32_t copied_bytes_max, NetStats& net_stats, storage::Executor& pool);

  std::unique_ptr<Transfer> transfer;
  std::vector<iovec> parts;
  Bytes scratch;  // Small file ranges, read to go out with their header.
  const uint32_t copied_range_bytes_max;
  NetStats& stats;
  storage::Executor& disk_pool;
};

// One network thread only. `queue` and `tools` must outlive it.
class ResponseWriter {
 public:
  ResponseWriter(ResponseQueue& queue, WriteTools& tools) : queue_(queue), tools_(tools) {}

  WriteStep Write(int socket);

  const storage::FileRange& cold_range() const { return cold_range_; }
  void CacheIsWarm();

  // Gives back the page cache that cold ranges took, once nothing is being sent any more.
  void DropBehindAll();

  const std::string& error() const { return error_; }
  // Grows with every byte that the socket took.
  uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  // Where sending stands, in the answer at the front of the queue.
  struct Cursor {
    size_t bytes_done = 0;
    size_t file = 0;
    uint64_t file_done = 0;
  };
  // What comes next in a response: bytes, the rest of a file range, or neither: the end.
  struct Piece {
    ByteView bytes = {};
    const storage::FileRange* range = nullptr;
    uint64_t range_rest = 0;
    uint64_t size() const { return range != nullptr ? range_rest : bytes.size(); }
  };
  struct Gathered {
    size_t bytes = 0;
    size_t scratch_used = 0;
    bool more = false;  // Something that could not be gathered follows at once.
    bool cold = false;  // It is a small range that is not resident: cold_range_.
    int disk_error = 0;
    const storage::FileRange* broken = nullptr;
  };

  static Piece NextPiece(const Response& response, Cursor* cursor);
  static void Move(const Piece& piece, uint64_t amount, Cursor* cursor);
  static storage::FileRange RestOf(const Piece& piece, uint64_t bytes_max);

  bool IsLarge(const Piece& piece) const { return piece.range_rest > tools_.copied_range_bytes_max; }
  void RetireFinished();
  Gathered Gather();
  bool GatherResponse(const Response& response, Cursor cursor, Gathered* gathered);
  bool GatherFile(const Piece& piece, Gathered* gathered);
  void AddPart(const std::byte* data, size_t size, Gathered* gathered);
  WriteStep SendGathered(int socket);
  WriteStep SendFile(int socket, const Piece& piece);
  void OnCold(storage::FileRange range);
  void Advance(uint64_t amount);
  void OnSent(const Piece& piece, uint64_t amount);
  WriteStep Broken(const storage::FileRange& range, int error);

  ResponseQueue& queue_;
  WriteTools& tools_;
  Cursor cursor_;
  storage::FileRange cold_range_;
  bool warm_ = false;  // cold_range_ was just made resident.
  // What IsResident() said of the file at the front: not asked again for each step of a slow socket.
  struct Resident {
    const storage::SharedFile* file = nullptr;
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  Resident resident_;
  ColdStretch cold_stretch_;
  DropBehind drop_behind_;
  std::string error_;
  uint64_t sent_bytes_ = 0;
  uint64_t turn_bytes_ = 0;
};

}  // namespace sluice::broker
