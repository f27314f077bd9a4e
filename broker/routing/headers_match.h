// Bindings of a headers exchange: `x-match` all, any, all-with-x or any-with-x (AMQP 0-9-1
// §3.1.3.4 and RabbitMQ's extensions). Knows no field tables: a message's headers come through
// HeaderView. Persistent values: copies share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/routing/message.h"
#include "broker/routing/target_set.h"

namespace warren::routing {

struct HeaderField {
  std::string name, type, value;
  auto operator<=>(const HeaderField&) const = default;
};

// Equal for equal arguments in any order.
std::string identity_of(std::span<const HeaderField> arguments);

// Integers of every width are one class, so are floats; any other type is its own.
bool same_type_class(std::string_view a, std::string_view b);

class HeaderPattern {
 public:
  // Arguments of a binding. Error: 406 when `x-match` is not one of the four.
  static Result<HeaderPattern> from(std::span<const HeaderField> arguments);
  bool matches(const HeaderView* headers) const;

 private:
  bool all_ = true;
  std::vector<HeaderField> fields_;
};

class HeadersTable {
 public:
  // `identity` tells bindings of one target apart: equal for equal arguments.
  void add(const Target& target, std::string_view identity, const HeaderPattern& pattern);
  void remove(const Target& target, std::string_view identity);
  void match(const HeaderView* headers, Matched& matched) const;

  struct Row {
    Target target() const { return {queue, exchange}; }
    QueueId queue;
    std::string exchange;
    std::string identity;
    HeaderPattern pattern;
    std::uint32_t bindings = 1;
  };
  struct RowKey {
    Target target;
    std::string_view identity;
    bool operator==(const RowKey&) const = default;
  };
  struct RowTraits {
    using Key = RowKey;
    static Key key(const Row& row) { return {row.target(), row.identity}; }
    static std::uint64_t hash(const Key& key) {
      return hash_octets(key.identity, TargetTraits::hash(key.target));
    }
  };

 private:
  PersistentMap<Row, RowTraits> rows_;
};

}  // namespace warren::routing
