// HashedTable: the bindings of an exchange that gives each message to one of its targets:
// x-consistent-hash, x-modulus-hash and x-random. A persistent value: copies share.
//
// Consistent: each unit of a target's weight has a few points on a ring, and a key is given to the
// owner of the point that lies closest behind any of its probes (Appleton and O'Reilly,
// "Multi-probe consistent hashing", 2015). A point that comes takes keys to its own target only,
// and one that goes leaves the others' where they are, as on any ring; and two dozen probes share
// the keys as evenly as hundreds of points a target would, which 10,000 bindings could not have.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/routing/hash_ring.h"
#include "broker/routing/headers_match.h"
#include "broker/routing/message.h"
#include "broker/routing/target_set.h"

namespace warren::routing {

// What a consistent hash is of.
struct HashOn {
  enum class What : std::uint8_t { routing_key, header, property };
  What what = What::routing_key;
  std::string name;  // of the header or property

  // From the arguments of the exchange's declare. Errors: 406.
  static Result<HashOn> from(std::span<const HeaderField> arguments);
};

class HashedTable {
 public:
  enum class Choice : std::uint8_t { consistent, modulus, random };
  // Of all bindings of a consistent exchange together: a unit costs 300 octets.
  static constexpr std::uint64_t most_weight = 100'000;

  explicit HashedTable(Choice choice, HashOn on = {}) : choice_(choice), on_(std::move(on)) {}

  // The weight is the routing key of a binding. Error: 406 when it is no positive integer, or too
  // much. REQUIRES: add and remove only of what check accepts.
  Result<void> check(std::string_view routing_key) const;
  void add(const Target& target, std::string_view routing_key);
  void remove(const Target& target, std::string_view routing_key);
  void match(const Message& message, Matched& matched) const;

 private:
  std::uint64_t weight_of(std::string_view routing_key) const;
  void change(const Target& target, std::uint64_t from, std::uint64_t to);
  std::uint64_t points_of(std::uint64_t weight) const;
  std::uint64_t key_of(const Message& message) const;
  const HashRing::Point& owner_of(std::uint64_t key) const;

  struct Row {
    QueueId queue;
    std::string exchange;
    std::uint64_t weight = 0;  // of all bindings that lead there
  };
  struct RowTraits {
    using Key = Target;
    static Key key(const Row& row) { return {row.queue, row.exchange}; }
    static std::uint64_t hash(const Key& key) { return hash_octets(key.exchange, key.queue.value); }
  };

  Choice choice_;
  HashOn on_;
  std::uint64_t total_weight_ = 0;
  PersistentMap<Row, RowTraits> rows_;
  HashRing ring_;
};

}  // namespace warren::routing
