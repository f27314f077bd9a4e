// Large bodies, in and out, with parts of ten octets.
#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

class Large : public FrontendTest {
 protected:
  Large() { settings_.body_part_octets = 10; }

  // A body of 5 octets a frame.
  static std::string frames(std::string_view key, std::string_view body, bool mandatory = false) {
    amqp::OutputBuffer out;
    amqp::FrameWriter writer(out, 131072);
    writer.method(ChannelNumber{1}, amqp::BasicPublish{0, "", key, mandatory, false});
    writer.content_header(ChannelNumber{1}, {"\0\0", 2}, body.size());
    for (std::size_t at = 0; at < body.size(); at += 5)
      writer.body(ChannelNumber{1}, Bytes::copy_of(body.substr(at, 5)));
    return out.to_string();
  }
  void open(Client& client) {
    client.open();
    client.declare(1, "q");
    client.send(1, amqp::ConfirmSelect{false});
    client.expect<amqp::ConfirmSelectOk>(1);
  }
  std::vector<queue::Publish> publishes() {
    std::vector<queue::Publish> all;
    door_.run([&] { all = door_.publishes; });
    return all;
  }
  std::size_t uploads() {
    std::size_t count = 0;
    door_.run([&] { count = door_.uploads.size(); });
    return count;
  }
  std::string get(Client& client, bool no_ack = false) {
    client.send(1, amqp::BasicGet{0, "q", no_ack});
    client.expect<amqp::BasicGetOk>(1);
    return client.expect_content().body;
  }

  // After the header was read.
  static std::string rest(Client& client, std::size_t size) {
    std::string body;
    while (body.size() < size) {
      auto frame = client.read_frame();
      EXPECT_TRUE(frame && frame->type == amqp::FrameType::body);
      if (!frame) break;
      body += frame->payload;
    }
    return body;
  }

  const std::string body_ = "0123456789abcdefghijKLMNOPQRSTuvw";  // three parts, and three octets
};

TEST_F(Large, ABodyGoesAheadInPartsAndComesBackWhole) {
  Client client(port());
  open(client);
  client.send_raw(frames("q", body_));
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 1u);
  auto all = publishes();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].upload_octets, 30u);
  EXPECT_EQ(all[0].content.body, "uvw");
  EXPECT_EQ(uploads(), 0u);
  EXPECT_EQ(get(client), body_);
}

TEST_F(Large, PartsAreOnTheirWayBeforeTheBodyIsWhole) {
  Client client(port());
  open(client);
  const std::string all = frames("q", body_);
  client.send_raw(all.substr(0, all.size() - 11));
  while (uploads() == 0) {
  }
  EXPECT_TRUE(publishes().empty());
  client.send_raw(all.substr(all.size() - 11));
  client.expect<amqp::BasicAck>(1);
  EXPECT_EQ(get(client), body_);
}

TEST_F(Large, ClosingTheChannelWithinABodyDropsIt) {
  Client client(port());
  open(client);
  const std::string all = frames("q", body_);
  client.send_raw(all.substr(0, all.size() - 11));
  while (uploads() == 0) {
  }
  client.close();
  while (uploads() != 0) {
  }
  EXPECT_TRUE(publishes().empty());
}

TEST_F(Large, AMandatoryOneThatNoQueueTakesComesBack) {
  Client client(port());
  open(client);
  client.send_raw(frames("nowhere", body_, true));
  EXPECT_EQ(client.expect<amqp::BasicReturn>(1).reply_code, 312);
  EXPECT_EQ(client.expect_content().body, body_);
  client.expect<amqp::BasicAck>(1);
  client.send_raw(frames("nowhere", body_, false));
  client.expect<amqp::BasicAck>(1);
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(Large, WithoutALeaseItIsHeldAndGoesWhenItMay) {
  Client client(port());
  open(client);
  door_.run([&] { door_.set_routable(false); });
  const std::string all = frames("q", body_);
  client.send_raw(all + all.substr(0, all.size() - 11));
  while (listings().at(0).channels.at(0).held_publishes == 0) {
  }
  EXPECT_EQ(uploads(), 0u);
  door_.run([&] { door_.set_routable(true); });
  client.expect<amqp::BasicAck>(1);
  client.send_raw(all.substr(all.size() - 11));
  client.expect<amqp::BasicAck>(1);
  EXPECT_EQ(get(client), body_);
  EXPECT_EQ(get(client), body_);
}

TEST_F(Large, AHeldOneIsNackedInTime) {
  settings_.publish_timeout = Milliseconds{50};
  Client client(port());
  open(client);
  door_.run([&] { door_.set_routable(false); });
  client.send_raw(frames("q", body_));
  EXPECT_EQ(client.expect<amqp::BasicNack>(1).delivery_tag, 1u);
  door_.run([&] { door_.set_routable(true); });
  client.send_raw(frames("q", body_));
  client.expect<amqp::BasicAck>(1);
  EXPECT_EQ(publishes().size(), 1u);
}

TEST_F(Large, ErrorsAreThoseOfSmallOnes) {
  Client client(port());
  open(client);
  amqp::OutputBuffer out;
  amqp::FrameWriter writer(out, 131072);
  writer.method(ChannelNumber{1}, amqp::BasicPublish{0, "none", "k", false, false});
  writer.content(ChannelNumber{1}, {"\0\0", 2}, Bytes::copy_of(body_));
  client.send_raw(out.to_string());
  client.expect_close(1, 404, "NOT_FOUND - no exchange 'none' in vhost '/'");
  client.open_channel(1);
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(Large, ReadingStopsWhileTooManyPartsAreUndecided) {
  settings_.upload_octets = 20;
  Client client(port());
  open(client);
  door_.run([&] { door_.hold_outcomes = true; });
  client.send_raw(frames("q", body_) + frames("q", body_));
  std::size_t octets = 0;
  for (int i = 0; i < 50; ++i)
    door_.run([&] {
      octets = 0;
      for (const auto& [upload, parts] : door_.uploads)
        for (const queue::BodyPart& part : parts)
          octets += part.size;
    });
  EXPECT_LE(octets, 30u);
  EXPECT_TRUE(publishes().empty());
  door_.run([&] {
    door_.hold_outcomes = false;
    door_.release_outcomes();
  });
  client.expect<amqp::BasicAck>(1);
  client.expect<amqp::BasicAck>(1);
}

TEST_F(Large, DeliveriesOfOneChannelKeepTheirOrder) {
  Client client(port());
  open(client);
  client.open_channel(2);
  client.send_raw(frames("q", body_));
  client.expect<amqp::BasicAck>(1);
  client.publish(1, "", "q", "small");
  client.expect<amqp::BasicAck>(1);
  client.send_raw(frames("q", body_ + body_));
  client.expect<amqp::BasicAck>(1);
  client.consume(2, "q", "c");
  for (const std::string& expected : {body_, std::string("small"), body_ + body_}) {
    client.expect<amqp::BasicDeliver>(2);
    EXPECT_EQ(client.expect_content().body, expected);
  }
}

TEST_F(Large, AnswersWaitBehindABodyThatWaitsForALeader) {
  Client client(port());
  open(client);
  client.send_raw(frames("q", body_));
  client.expect<amqp::BasicAck>(1);
  door_.run([&] { door_.no_leader = true; });
  client.consume(1, "q", "c");
  client.expect<amqp::BasicDeliver>(1);
  client.read_frame();  // the header
  client.send(1, amqp::BasicQos{0, 5, false});
  client.open_channel(2);
  client.sync(2);
  door_.run([&] { door_.no_leader = false; });
  EXPECT_EQ(rest(client, body_.size()), body_);
  client.expect<amqp::BasicQosOk>(1);
}

TEST_F(Large, AnAutomaticAckComesWithTheLastOctet) {
  Client client(port());
  open(client);
  client.send_raw(frames("q", body_));
  client.expect<amqp::BasicAck>(1);
  door_.run([&] { door_.no_leader = true; });
  client.consume(1, "q", "c", true);
  client.expect<amqp::BasicDeliver>(1);
  client.read_frame();  // the header
  client.open_channel(2);
  client.sync(2);
  door_.run([&] {
    EXPECT_TRUE(door_.settles.empty());
    door_.no_leader = false;
  });
  EXPECT_EQ(rest(client, body_.size()), body_);
  std::size_t settles = 0;
  while (settles == 0)
    door_.run([&] { settles = door_.settles.size(); });
}

TEST_F(Large, ABodyWhoseRestIsGoneEndsTheConnection) {
  Client client(port());
  open(client);
  client.send_raw(frames("q", body_));
  client.expect<amqp::BasicAck>(1);
  door_.run([&] { door_.forget_parts(); });
  client.consume(1, "q", "c");
  client.expect<amqp::BasicDeliver>(1);
  client.read_frame();  // the header
  client.expect_end(541, "INTERNAL_ERROR - the rest of a message that is being sent is gone");
}

TEST_F(Large, CancelAndCloseWaitForTheBodyUnderWay) {
  for (bool close : {false, true}) {
    Client client(port());
    open(client);
    client.send_raw(frames("q", body_));
    client.expect<amqp::BasicAck>(1);
    client.open_channel(2);
    client.open_channel(3);
    door_.run([&] { door_.no_leader = true; });
    client.consume(2, "q", "c");
    client.expect<amqp::BasicDeliver>(2);
    client.read_frame();  // the header
    if (close)
      client.send(2, amqp::ChannelClose{});
    else
      client.send(2, amqp::BasicCancel{"c", false});
    client.sync(3);
    door_.run([&] {
      EXPECT_EQ(door_.consumers("q"), 1u);
      door_.no_leader = false;
    });
    EXPECT_EQ(rest(client, body_.size()), body_);
    if (close) {
      client.expect<amqp::ChannelCloseOk>(2);
    } else {
      EXPECT_EQ(client.expect<amqp::BasicCancelOk>(2).consumer_tag, "c");
      client.send(2, amqp::BasicAck{1, false});
      client.sync(2);
    }
  }
}

}  // namespace
}  // namespace warren::frontend
