// A message's deaths, as its headers tell them: x-death and x-first-death-*, x-last-death-*.
// Pure: any thread. Source: RabbitMQ's dead lettering, of 4.x (Features §1.C).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/amqp/properties.h"

namespace warren::amqp {

struct Death {
  std::string_view queue;
  std::string_view reason;    // rejected, expired, maxlen, delivery_limit
  std::uint64_t seconds = 0;  // since the Unix epoch
  // As the message was published into the queue.
  std::string_view exchange;
  std::string_view routing_key;
};

// The properties of a dead letter: with this death in its headers, and without expiration, which
// the death tells. `known`: those that it tells of already were written by a broker; else they are
// a client's words, and go. What of all this is more than a consumer's frame can carry is left out:
// the deaths' routing keys first, then the publisher's own headers. Never fails: properties that
// cannot be read are none.
struct DeadProperties {
  BasicProperties properties;
  std::string raw;
};
DeadProperties with_death(std::string_view raw, const Death& death, bool known, bool keeps_copies);

// Would a dead letter with these headers come back to a queue in which it died before, with nobody
// having rejected it since? It would go round for ever.
bool completes_cycle(const FieldTable& headers, std::string_view queue);

}  // namespace warren::amqp
