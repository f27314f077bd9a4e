// Strong integers for what must never be mixed up. Pure values: any thread.
// Zero means "none" for every id but NodeId's users, who number nodes from 1 as well.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <functional>

namespace warren {

template <typename Tag, typename Integer>
struct Strong {
  using integer_type = Integer;
  Integer value = 0;

  constexpr Strong() = default;
  constexpr explicit Strong(Integer v) : value(v) {}
  constexpr auto operator<=>(const Strong&) const = default;
  constexpr explicit operator bool() const { return value != 0; }
  constexpr Strong next(Integer by = 1) const { return Strong(static_cast<Integer>(value + by)); }
  constexpr Strong previous() const { return Strong(static_cast<Integer>(value - 1)); }
  constexpr Strong& operator++() {
    ++value;
    return *this;
  }
};

using NodeId = Strong<struct NodeIdTag, std::uint32_t>;    // given by the catalog, never reused
using DiskId = Strong<struct DiskIdTag, std::uint64_t>;    // random, written once into a store
using GroupId = Strong<struct GroupIdTag, std::uint32_t>;  // 0 is the catalog; see group_of_node
using CatalogIndex = Strong<struct CatalogIndexTag, std::uint64_t>;  // entry index in group 0
using EntryIndex = Strong<struct EntryIndexTag, std::uint64_t>;      // in one group's log
using Term = Strong<struct TermTag, std::uint64_t>;                  // Raft thesis §3.3
using Slot = Strong<struct SlotTag, std::uint32_t>;                  // message within an entry
using QueueId = Strong<struct QueueIdTag, std::uint64_t>;  // catalog index that created the queue
using BatchNumber = Strong<struct BatchNumberTag, std::uint64_t>;        // in a session, from 1
using Incarnation = Strong<struct IncarnationTag, std::uint64_t>;        // a catalog index
using ConsumerNumber = Strong<struct ConsumerNumberTag, std::uint64_t>;  // in a node's incarnation
// A queue's n-th message ever of one priority, from 0; see queue/message_levels.h.
using Ordinal = Strong<struct OrdinalTag, std::uint64_t>;
using ChannelNumber = Strong<struct ChannelNumberTag, std::uint16_t>;  // AMQP 0-9-1 §4.2.3
using DeliveryTag = Strong<struct DeliveryTagTag, std::uint64_t>;      // AMQP 0-9-1 §1.8.3.13
using Stamp = Strong<struct StampTag, std::uint64_t>;  // replicated time, ms since the Unix epoch

constexpr GroupId catalog_group{0};

// A node's local group (no Raft, in memory) has the top bit set over its node's id.
constexpr std::uint32_t local_group_bit = 0x80000000u;
constexpr GroupId local_group_of(NodeId node) {
  return GroupId(local_group_bit | node.value);
}
constexpr bool is_local(GroupId group) {
  return (group.value & local_group_bit) != 0;
}
constexpr NodeId node_of_local(GroupId group) {
  return NodeId(group.value & ~local_group_bit);
}

// A message's identity within its group, for its whole life.
struct MessageId {
  EntryIndex entry;
  Slot slot;
  constexpr auto operator<=>(const MessageId&) const = default;
};

// One handing-out of one message by one leader. Settle and return name it.
struct CheckoutId {
  Term term;
  std::uint64_t counter = 0;
  constexpr auto operator<=>(const CheckoutId&) const = default;
};

// The numbered, ordered stream of commands from one node's front end to one group.
struct SessionId {
  NodeId node;
  Incarnation incarnation;
  constexpr auto operator<=>(const SessionId&) const = default;
};

}  // namespace warren

template <typename Tag, typename Integer>
struct std::hash<warren::Strong<Tag, Integer>> {
  std::size_t operator()(const warren::Strong<Tag, Integer>& id) const noexcept {
    return std::hash<Integer>{}(id.value);
  }
};

template <typename Tag, typename Integer>
struct fmt::formatter<warren::Strong<Tag, Integer>> : fmt::formatter<Integer> {
  template <typename Context>
  auto format(const warren::Strong<Tag, Integer>& id, Context& context) const {
    return fmt::formatter<Integer>::format(id.value, context);
  }
};
