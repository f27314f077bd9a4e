// What a queue has taken lately, by the keys that publishers gave: bounded by number and by time,
// so that one who publishes again is told that it is taken, and it is there once. Owned by a
// Machine's queue; pure, deterministic.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "broker/base/codec.h"
#include "broker/base/ids.h"

namespace warren::queue {

// 128 bits of a hash that nobody finds two values for. Zero: none.
struct DuplicateKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  explicit operator bool() const { return (high | low) != 0; }
  auto operator<=>(const DuplicateKey&) const = default;
};

class DuplicateWindow {
 public:
  struct Bounds {
    std::uint64_t keys = 0;                // 0: the queue takes everything
    std::optional<std::uint64_t> time_ms;  // how long a key is known
    bool operator==(const Bounds&) const = default;
  };

  // Forgets what is too old by now.
  bool knows(const DuplicateKey& key, Stamp now, const Bounds& bounds);
  // REQUIRES: it is not known, bounds.keys > 0.
  void add(const DuplicateKey& key, Stamp now, const Bounds& bounds);
  std::uint64_t size() const { return order_.size(); }

  std::size_t memory_octets() const;
  void encode(ByteWriter& out) const;
  // REQUIRES: empty. False: malformed.
  bool decode(ByteReader& in);

 private:
  struct Taken {
    Stamp at;
    DuplicateKey key;
  };
  struct Hash {
    using is_avalanching = void;
    std::size_t operator()(const DuplicateKey& key) const noexcept { return key.low; }
  };
  void forget_first();

  std::deque<Taken> order_;  // the oldest first
  boost::unordered_flat_set<DuplicateKey, Hash> keys_;
};

}  // namespace warren::queue
