#include "broker/cluster/session_codec.h"

#include <gtest/gtest.h>

namespace warren::cluster {
namespace {

TEST(SessionCodec, OpenKeepsTheLifeThatItIsMeantFor) {
  session::ToHost sent{{NodeId(3), Incarnation(9)},
                       session::StreamEpoch(4),
                       session::Open{BatchNumber(5), Incarnation(8)}};
  proto::SessionFrame frame;
  encode(GroupId(7), sent, frame);
  auto read = decode_to_host(frame);
  ASSERT_TRUE(read);
  const auto& open = std::get<session::Open>(read->body);
  EXPECT_EQ(open.released, BatchNumber(5));
  EXPECT_EQ(open.host, Incarnation(8));
  EXPECT_EQ(read->session, sent.session);
  EXPECT_EQ(read->epoch, sent.epoch);
}

}  // namespace
}  // namespace warren::cluster
