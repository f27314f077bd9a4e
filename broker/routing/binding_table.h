// BindingTable: the bindings of one exchange, arranged for matching as its type needs. Copies
// share; changing one of 100,000 bindings costs a few nodes. Pure value: any thread may read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "broker/base/result.h"
#include "broker/routing/hashed_table.h"
#include "broker/routing/headers_match.h"
#include "broker/routing/message.h"
#include "broker/routing/target_set.h"
#include "broker/routing/topic_trie.h"

namespace warren::routing {

enum class ExchangeType : std::uint8_t {
  direct,
  fanout,
  topic,
  headers,
  consistent_hash,
  modulus_hash,
  random,
  delayed,        // routes as another type, which its arguments name; no BindingTable has it
  recent_history  // routes as a fanout; likewise
};
// As clients name them, in that order.
inline constexpr std::array<std::string_view, 9> exchange_type_names{"direct",
                                                                     "fanout",
                                                                     "topic",
                                                                     "headers",
                                                                     "x-consistent-hash",
                                                                     "x-modulus-hash",
                                                                     "x-random",
                                                                     "x-delayed-message",
                                                                     "x-recent-history"};
std::optional<ExchangeType> exchange_type_of(std::string_view name);

struct Binding {
  Target target;
  std::string_view routing_key;
  std::span<const HeaderField> arguments;
};

class BindingTable {
 public:
  // `on`: for consistent_hash only. REQUIRES: type is neither `delayed` nor `recent_history`.
  explicit BindingTable(ExchangeType type, HashOn on = {});

  // Error: 406 for a key or arguments that the type refuses; REQUIRES add only of what check
  // accepts.
  Result<void> check(const Binding& binding) const;
  void add(const Binding& binding);
  void remove(const Binding& binding);
  void match(const Message& message, Matched& matched) const;

 private:
  struct KeyRow {
    std::string key;
    TargetSet targets;
  };
  struct KeyTraits {
    using Key = std::string_view;
    static Key key(const KeyRow& row) { return row.key; }
    static std::uint64_t hash(const Key& key) { return hash_octets(key); }
  };
  using Direct = PersistentMap<KeyRow, KeyTraits>;

  std::variant<Direct, TargetSet, TopicTrie, HeadersTable, HashedTable> table_;
};

}  // namespace warren::routing
