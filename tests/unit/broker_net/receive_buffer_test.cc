#include "broker/net/receive_buffer.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "net_testing.h"

namespace sluice::broker {
namespace {

constexpr uint32_t kFrameMax = 8 * 1024 * 1024;

class ReceiveBufferTest : public ::testing::Test {
 protected:
  // As recv would put them there.
  void Receive(absl::string_view bytes) {
    while (!bytes.empty()) {
      ASSERT_TRUE(in_.Prepare());
      const size_t step = std::min(bytes.size(), in_.room().size());
      std::copy_n(AsBytes(bytes).begin(), step, in_.room().begin());
      in_.Commit(step);
      bytes.remove_prefix(step);
    }
  }
  std::string NextBody() {
    const Frame frame = in_.Next();
    return frame.kind == FrameKind::kWhole ? std::string(AsText(frame.body)) : "<none>";
  }

  BufferPool pool_;
  ReceiveBudget budget_{64 * 1024 * 1024};
  ReceiveBuffer in_{pool_, budget_, kFrameMax};
};

std::string Wire(absl::string_view body) {
  return std::string(AsText(Framed(body)));
}

TEST_F(ReceiveBufferTest, FramesOfOneReceiveComeInOrder) {
  Receive(Wire("one") + Wire("two") + Wire("three"));
  EXPECT_EQ(NextBody(), "one");
  EXPECT_EQ(NextBody(), "two");
  EXPECT_EQ(NextBody(), "three");
  EXPECT_EQ(NextBody(), "<none>");
}

TEST_F(ReceiveBufferTest, FrameCutAtAnyByteIsWholeOnceAllArrived) {
  const std::string wire = Wire("hello") + Wire("world");
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    std::string seen;
    for (const std::string& piece : {wire.substr(0, cut), wire.substr(cut)}) {
      Receive(piece);
      for (std::string body = NextBody(); body != "<none>"; body = NextBody()) {
        seen += body;
      }
      in_.Park();
    }
    EXPECT_EQ(seen, "helloworld") << "cut at " << cut;
  }
}

TEST_F(ReceiveBufferTest, LengthsOutOfRangeAreBad) {
  for (int32_t length : {0, -1, INT32_MIN, static_cast<int32_t>(kFrameMax) + 1}) {
    in_.Clear();
    std::string wire(4, '\0');
    StoreBigEndian(reinterpret_cast<std::byte*>(wire.data()), length);
    Receive(wire);
    const Frame frame = in_.Next();
    EXPECT_EQ(frame.kind, FrameKind::kBadLength) << length;
    EXPECT_EQ(frame.length, length);
  }
}

TEST_F(ReceiveBufferTest, LargestFrameFits) {
  const std::string body = Pattern(kFrameMax);
  Receive(Wire(body));
  EXPECT_TRUE(NextBody() == body);
}

TEST_F(ReceiveBufferTest, AnnouncedLengthIsNotAllocated) {
  std::string wire(4, '\0');
  StoreBigEndian(reinterpret_cast<std::byte*>(wire.data()), static_cast<int32_t>(kFrameMax));
  Receive(wire);
  EXPECT_EQ(NextBody(), "<none>");
  EXPECT_EQ(in_.held_bytes(), kReceiveBufferBytes);
}

TEST_F(ReceiveBufferTest, ParkedStartOfAFrameHoldsNoBuffer) {
  const std::string wire = Wire(Pattern(5000));
  Receive(wire.substr(0, 100));
  EXPECT_EQ(NextBody(), "<none>");
  in_.Park();
  EXPECT_EQ(in_.held_bytes(), 0u);
  EXPECT_EQ(budget_.used_bytes(), 0u);
  EXPECT_EQ(in_.unread_bytes(), 100u);
  Receive(wire.substr(100));
  EXPECT_TRUE(NextBody() == Pattern(5000));
}

TEST_F(ReceiveBufferTest, SettledFrameKeepsItsBytesWhileOthersUseTheBuffer) {
  Receive(Wire("request"));
  const ByteView settled = in_.Settle(in_.Next().body);
  PooledBuffer taken = pool_.Take(kReceiveBufferBytes);
  std::fill_n(taken.data.get(), taken.capacity, std::byte{0});
  EXPECT_EQ(AsText(settled), "request");
  EXPECT_EQ(in_.held_bytes(), 0u);
}

TEST_F(ReceiveBufferTest, FrameWithOthersBehindItStaysInPlace) {
  Receive(Wire("first") + Wire("second"));
  const ByteView first = in_.Next().body;
  EXPECT_EQ(in_.Settle(first).data(), first.data());
  EXPECT_EQ(NextBody(), "second");
}

TEST_F(ReceiveBufferTest, ShrinkKeepsThePartThatArrived) {
  const std::string body = Pattern(100'000);
  const std::string wire = Wire(body);
  Receive(wire.substr(0, 20'000));
  EXPECT_EQ(NextBody(), "<none>");
  in_.Park();
  in_.Shrink();
  EXPECT_EQ(in_.held_bytes(), 20'000u);
  EXPECT_EQ(budget_.used_bytes(), 20'000u);
  Receive(wire.substr(20'000));
  EXPECT_TRUE(NextBody() == body);
}

TEST_F(ReceiveBufferTest, EverythingGoesBackAfterALargeFrame) {
  Receive(Wire(Pattern(3'000'000)) + Wire("x"));
  EXPECT_EQ(NextBody().size(), 3'000'000u);
  EXPECT_EQ(NextBody(), "x");
  in_.Park();
  EXPECT_EQ(in_.held_bytes(), 0u);
  EXPECT_EQ(budget_.used_bytes(), 0u);
  EXPECT_LE(pool_.kept_bytes(), 8u * 1024 * 1024);
}

TEST(ReceiveBudget, OnlyOneMayGoOverIt) {
  ReceiveBudget budget(100);
  bool first = false;
  bool second = false;
  EXPECT_TRUE(budget.Reserve(90, &first));
  EXPECT_FALSE(first);
  EXPECT_TRUE(budget.Reserve(20, &first));
  EXPECT_TRUE(first);
  EXPECT_FALSE(budget.Reserve(20, &second));
  EXPECT_TRUE(budget.Reserve(1000, &first)) << "whoever is over it already may finish";
  budget.Release(1110);
  budget.EndOverdraft();
  EXPECT_TRUE(budget.Reserve(20, &second));
  EXPECT_FALSE(second);
}

TEST(ReceiveBudgetWait, BufferWaitsUntilAnotherGivesBack) {
  BufferPool pool;
  ReceiveBudget budget(kReceiveBufferBytes);
  ReceiveBuffer first(pool, budget, kFrameMax);
  ReceiveBuffer second(pool, budget, kFrameMax);
  ReceiveBuffer third(pool, budget, kFrameMax);
  EXPECT_TRUE(first.Prepare());
  EXPECT_TRUE(second.Prepare()) << "one may go over";
  EXPECT_FALSE(third.Prepare());
  second.Clear();
  EXPECT_TRUE(third.Prepare());
}

}  // namespace
}  // namespace sluice::broker
