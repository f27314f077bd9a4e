// OutgoingBodies: the large bodies that one connection is sending. Their parts are fetched one
// after another as the socket takes them; meanwhile whatever else the channel says waits behind,
// for nothing may come between the frames of a content, and other channels go on. Knows no door:
// its connection asks next_wanted() and fetches. Owned by the connection; pure: its reactor.
// Source: AMQP 0-9-1 §4.2.6; docs/decisions/0004-large-bodies.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/amqp/frame.h"
#include "broker/amqp/output_buffer.h"
#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/queue/content.h"

namespace warren::frontend {

struct OutgoingBody {
  GroupId group;
  std::vector<queue::BodyPart> parts;
  Bytes tail;                  // what comes after the parts
  std::function<void()> sent;  // all of it is in the connection's output
};

class OutgoingBodies {
 public:
  // `writer` writes to `output`; both outlive this.
  OutgoingBodies(amqp::OutputBuffer& output, amqp::FrameWriter& writer)
      : output_(output), writer_(writer) {}

  // Where the channel's next frames go: to the output, or behind the body under way.
  amqp::FrameWriter& writer(ChannelNumber channel);
  bool busy(ChannelNumber channel) const { return channels_.contains(channel); }
  // That wait behind the channel's bodies.
  std::size_t octets_behind(ChannelNumber channel) const;
  std::size_t octets_behind() const;  // of all channels
  // REQUIRES: the method and the content header were written with writer() just before.
  void send(ChannelNumber channel, OutgoingBody body);

  // What to fetch now, once each; channels take turns. Nothing: enough is on its way.
  struct Wanted {
    std::uint64_t number;  // names it in arrived() and failed()
    GroupId group;
    MessageId part;
  };
  std::optional<Wanted> next_wanted();
  // False: not what was asked for. Late ones, of what clear() has dropped, do nothing.
  bool arrived(std::uint64_t number, const Bytes& octets);
  void failed(std::uint64_t number);  // asked for again after retry()
  void retry();
  void clear();

 private:
  static constexpr std::size_t most_asked = 2;

  struct Sending {
    OutgoingBody body;
    std::size_t next = 0;  // of the parts
    std::uint64_t number = 0;
    enum class Part : std::uint8_t { wanted, asked, failed } part = Part::wanted;
    // What the channel wrote since.
    std::unique_ptr<amqp::OutputBuffer> behind;
    std::unique_ptr<amqp::FrameWriter> behind_writer;
  };
  using Queue = std::deque<Sending>;  // of one channel; the first is being sent
  std::map<ChannelNumber, Queue>::iterator find(std::uint64_t number);

  amqp::OutputBuffer& output_;
  amqp::FrameWriter& writer_;
  std::map<ChannelNumber, Queue> channels_;
  ChannelNumber last_asked_;
  std::size_t asked_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace warren::frontend
