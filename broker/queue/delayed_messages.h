// One queue's messages whose time has not come, by when it does, then in the order of publishing.
// They have no ordinal yet: they get one when they become ready. A few octets each, packed like the
// backlog (sorted_blocks.h), and counted as they come and go. Owned by a Machine's queue; pure.
// docs/decisions/0009-delayed-messages.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/message_levels.h"
#include "broker/queue/sorted_blocks.h"

namespace warren::queue {

struct DelayedMessage {
  Stamp due;
  MessageId id;
  std::uint32_t size = 0;        // octets of the body
  std::uint32_t properties = 0;  // octets
  LevelNumber level;
  std::optional<std::uint64_t> ttl_ms;  // its own, from when it is ready
  bool operator==(const DelayedMessage&) const = default;
};

struct DelayedTraits {
  using Item = DelayedMessage;
  using Key = std::pair<Stamp, MessageId>;
  static Key key(const DelayedMessage& message) { return {message.due, message.id}; }
  static std::string pack(std::span<const DelayedMessage> messages);
  static bool unpack(std::string_view octets, std::span<DelayedMessage> out);
};

class DelayedMessages {
 public:
  std::uint64_t size() const { return messages_.size(); }
  std::uint64_t octets() const { return octets_; }  // of bodies
  bool empty() const { return messages_.empty(); }
  // When the first one is due.
  std::optional<Stamp> next_due() const {
    return empty() ? std::nullopt : std::optional(messages_.first_key().first);
  }

  // REQUIRES: it is not there.
  void add(const DelayedMessage& message);
  // Up to `limit` of those due by `now`, in order: take(const DelayedMessage&). How many.
  template <typename Take>
  std::size_t take_due(Stamp now, std::size_t limit, Take&& take) {
    std::size_t taken = 0;
    messages_.take_while([&](const DelayedMessage& message) {
      if (taken == limit || message.due > now) return false;
      ++taken;
      octets_ -= message.size;
      take(message);
      return true;
    });
    return taken;
  }
  // visit(const DelayedMessage&) for each, in order. Must not change anything.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    messages_.for_each([&](const DelayedMessage& message) { return visit(message), true; });
  }
  void clear();

  std::size_t memory_octets() const { return messages_.memory_octets(); }
  void encode(ByteWriter& out) const { messages_.encode(out); }
  // REQUIRES: empty. False: malformed.
  bool decode(ByteReader& in);

 private:
  SortedBlocks<DelayedTraits> messages_;
  std::uint64_t octets_ = 0;
};

// Which queue has something due next.
class DueQueues {
 public:
  // The queue's first is due `now`, and was `before`; nothing: it has none.
  void move(QueueId queue, std::optional<Stamp> before, std::optional<Stamp> now) {
    if (before == now) return;
    if (before) all_.erase({*before, queue});
    if (now) all_.emplace(*now, queue);
  }
  std::optional<Stamp> next() const {
    return all_.empty() ? std::nullopt : std::optional(all_.begin()->first);
  }
  std::optional<QueueId> due(Stamp now) const {
    if (all_.empty() || all_.begin()->first > now) return std::nullopt;
    return all_.begin()->second;
  }

 private:
  std::set<std::pair<Stamp, QueueId>> all_;
};

}  // namespace warren::queue
