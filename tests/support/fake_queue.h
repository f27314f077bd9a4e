// One queue of FakeQueues: what it has, and who was handed what. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "broker/cluster/door.h"

namespace warren::tests {

struct FakeMessage {
  MessageId id;
  queue::Content content;
  std::vector<queue::BodyPart> parts;
  bool redelivered = false;
  std::uint32_t failed = 0;
};

struct FakeHeld {
  FakeMessage message;
  CheckoutId checkout;
  std::uint64_t channel = 0;
  ConsumerNumber consumer;
};

struct FakeMember {
  queue::Consumer consumer;
  std::uint32_t holding = 0;
  std::size_t read = 0;  // of a stream, which keeps all
};

struct FakeQueue {
  std::deque<FakeMessage> ready;
  std::map<MessageId, FakeHeld> held;
  std::vector<FakeMember> consumers;
  std::size_t turn = 0;
};

// The message that a reader of a stream comes to next. REQUIRES: there is one.
inline queue::Delivery next_of_stream(QueueId id, const FakeQueue& queue, FakeMember& member) {
  const std::size_t offset = member.read++;
  queue::Delivery delivery;
  delivery.consumer = member.consumer.number;
  delivery.queue = id;
  delivery.entry_term = Term{1};
  delivery.offset = Ordinal{offset};
  delivery.content = queue.ready[offset].content;
  return delivery;
}

// Two at a time, so that some are left for another page.
inline queue::BrowsedPage page_of(QueueId id, const FakeQueue& queue, Ordinal from) {
  queue::BrowsedPage page;
  page.next = page.end = Ordinal{queue.ready.size()};
  for (std::size_t at = from.value; at < queue.ready.size(); ++at) {
    if (page.messages.size() == 2) {
      page.next = Ordinal{at};
      break;
    }
    queue::Delivery& delivery = page.messages.emplace_back();
    delivery.queue = id;
    delivery.offset = Ordinal{at};
    delivery.parts = queue.ready[at].parts;
    delivery.content = queue.ready[at].content;
  }
  return page;
}

inline queue::QueueCounts counts_of(QueueId id, const FakeQueue& queue) {
  return {id, queue.ready.size(), queue.held.size(), queue.consumers.size(), 0};
}

}  // namespace warren::tests
