// Direct reply-to: an answer that goes from the node of who answers straight to the channel of who
// asked, without queue, log or disk: at most once. What is sent, and where to: the address as
// clients see it, the name of a queue that is none. Pure values: any thread.
// Source: RabbitMQ's direct reply-to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/content.h"

namespace warren::cluster {

struct ReplyAddress {
  SessionId life;             // of the node that the channel is on
  std::uint64_t channel = 0;  // its key at the door
  std::uint64_t secret = 0;   // drawn for its consumer: nobody guesses where replies are awaited
  bool operator==(const ReplyAddress&) const = default;
};

// What a client consumes from, and names in reply_to; the same and a dot begin each address.
inline constexpr std::string_view reply_queue = "amq.rabbitmq.reply-to";
bool is_reply_queue(std::string_view name);  // or an address, well-formed or not
std::string name_of(const ReplyAddress& address);
// Nothing: no address.
std::optional<ReplyAddress> address_of(std::string_view name);

struct DirectReply {
  ReplyAddress to;
  std::optional<queue::Content> content;  // none: asks only whether it would be taken
};

// One answer for each of a batch: did its channel take it? None at all: the batch did not arrive.
using RepliesTaken = std::function<void(std::vector<bool>)>;

}  // namespace warren::cluster
