// TopicTrie: bindings of a topic exchange by the words of their keys; `*` is one word, `#` zero or
// more (AMQP 0-9-1 §3.1.3.3). Matching walks the key once with the set of live nodes, so that no
// pattern, however many `#` it holds, makes it exponential. A persistent value: copies share.
#pragma once

#include <memory>
#include <string_view>

#include "broker/routing/target_set.h"

namespace warren::routing {

class TopicTrie {
 public:
  void add(std::string_view pattern, const Target& target);
  void remove(std::string_view pattern, const Target& target);
  // The empty key has no words; "a..b" has three.
  void match(std::string_view key, Matched& matched) const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace warren::routing
