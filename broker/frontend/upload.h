// Upload: a message with a large body on its way in: where it goes is known from its header on, and
// its body passes through in pieces. Owned by the channel, while its content frames come; pure.
// docs/decisions/0004-large-bodies.md.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/cluster/direct_reply.h"
#include "broker/queue/client_command.h"

namespace warren::frontend {

// The queues of one group that a message reaches.
struct Target {
  GroupId group;
  boost::container::small_vector<QueueId, 4> queues;
};

// Where a publish goes: to queues, and as a reply to channels that await it.
struct Destinations {
  boost::container::small_vector<Target, 1> groups;
  std::vector<cluster::ReplyAddress> replies;
  bool found = false;  // by routing, a history aside; what it found may be gone

  bool empty() const { return groups.empty() && replies.empty(); }
};

struct Upload {
  enum class Way : std::uint8_t {
    unrouted,  // kept until it may be routed
    ahead,     // each piece goes to the targets as it comes
    kept,      // as a whole, for whom no queue is: who awaits a reply, or the publisher
    nowhere    // not kept
  };

  Way way = Way::unrouted;
  bool returns = false;  // to its publisher, for no queue is there
  queue::UploadId id;
  Destinations to;
  std::uint64_t confirm_tag = 0;  // 0: unconfirmed
  std::vector<Bytes> pieces;      // those kept here; for replies too
  std::uint64_t octets = 0;       // of all pieces so far
};

}  // namespace warren::frontend
