// One queue's handed-out messages on its leader: held by a session, or being settled (proposed and
// not yet applied). What is in neither state is ready. Owned by a DispatchQueue; pure.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/base/ids.h"

namespace warren::queue {

struct MessageIdHash {
  using is_avalanching = void;
  std::size_t operator()(MessageId id) const noexcept {
    std::uint64_t x = id.entry.value * 0x9e3779b97f4a7c15u + id.slot.value;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
    return static_cast<std::size_t>(x ^ (x >> 32));
  }
};

struct Checkout {
  CheckoutId id;
  SessionId session;
  ConsumerNumber consumer;  // none: by a get, or claimed for a cancelled consumer
  Ordinal ordinal;
  std::uint32_t size = 0;    // octets of the body
  std::uint32_t octets = 0;  // of the whole message: what a consumer is charged
  bool settling = false;
  bool ahead = false;   // of the queue's cursor, which must pass over it
  CheckoutId before{};  // as its session claimed it: it may not have heard of `id`
};

class Checkouts {
 public:
  using Item = std::pair<MessageId, Checkout>;

  // REQUIRES: not there.
  void insert(MessageId message, const Checkout& checkout);
  const Checkout* find(MessageId message) const;
  // REQUIRES: held.
  void renew(MessageId message, CheckoutId id, CheckoutId before);
  void start_settling(MessageId message);
  // The cursor passed over it.
  void pass(MessageId message);
  // REQUIRES: there. Returns what it was.
  Checkout erase(MessageId message);

  std::uint64_t held() const { return held_; }
  std::uint64_t settling() const { return items_.size() - held_; }
  std::uint64_t octets() const { return octets_; }  // of bodies, held and settling
  std::uint64_t ahead() const { return ahead_; }
  bool empty() const { return items_.empty(); }

  // In original order.
  std::vector<Item> all() const;
  std::vector<Item> of(SessionId session) const;

 private:
  boost::unordered_flat_map<MessageId, Checkout, MessageIdHash> items_;
  std::uint64_t held_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t ahead_ = 0;
};

}  // namespace warren::queue
