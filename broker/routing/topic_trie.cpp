#include "broker/routing/topic_trie.h"

#include <algorithm>
#include <optional>
#include <string>

namespace warren::routing {

using NodePointer = std::shared_ptr<const TopicTrie::Node>;

namespace {

struct Edge {
  std::string word;
  NodePointer node;
};
struct EdgeTraits {
  using Key = std::string_view;
  static Key key(const Edge& edge) { return edge.word; }
  static std::uint64_t hash(const Key& key) { return hash_octets(key); }
};

}  // namespace

struct TopicTrie::Node {
  TargetSet here;
  NodePointer star;
  NodePointer hash;
  PersistentMap<Edge, EdgeTraits> words;

  bool empty() const { return here.empty() && !star && !hash && words.empty(); }
};

namespace {

using Node = TopicTrie::Node;

// The words of a key between its dots. The empty key has none.
class Words {
 public:
  explicit Words(std::string_view key) : rest_(key), more_(!key.empty()) {}
  std::optional<std::string_view> next() {
    if (!more_) return std::nullopt;
    const std::size_t dot = rest_.find('.');
    const std::string_view word = rest_.substr(0, dot);
    more_ = dot != std::string_view::npos;
    if (more_) rest_.remove_prefix(dot + 1);
    return word;
  }

 private:
  std::string_view rest_;
  bool more_;
};

NodePointer child_of(const Node& node, std::string_view word) {
  if (word == "*") return node.star;
  if (word == "#") return node.hash;
  const Edge* edge = node.words.find(word);
  return edge == nullptr ? nullptr : edge->node;
}

void set_child(Node& node, std::string_view word, NodePointer child) {
  if (word == "*") {
    node.star = std::move(child);
  } else if (word == "#") {
    node.hash = std::move(child);
  } else if (child) {
    node.words.put(Edge{std::string(word), std::move(child)});
  } else {
    node.words.erase(word);
  }
}

// `change` is applied to the targets at the end of the words. A node left without anything is null.
template <typename Change>
NodePointer changed(const Node* node, Words words, const Change& change) {
  auto copy = node ? std::make_shared<Node>(*node) : std::make_shared<Node>();
  if (auto word = words.next()) {
    NodePointer child = child_of(*copy, *word);
    set_child(*copy, *word, changed(child.get(), words, change));
  } else {
    change(copy->here);
  }
  return copy->empty() ? nullptr : copy;
}

// The nodes that the words read so far lead to. A `#` node, once reached, stays reached, and so is
// kept apart and entered once; any other node is reached at most once a word.
class Walk {
 public:
  explicit Walk(const Node& root) { enter({&root, false}); }

  void read(std::string_view word) {
    previous_.swap(now_);
    now_.clear();
    const std::size_t hashes = hashes_.size();
    for (const Live& live : previous_)
      step(*live.node, live.under_hash, word);
    for (std::size_t i = 0; i < hashes; ++i)
      step(*hashes_[i], true, word);
  }
  void append_to(Matched& matched) const {
    for (const Live& live : now_)
      live.node->here.append_to(matched);
    for (const Node* node : hashes_)
      node->here.append_to(matched);
  }

 private:
  struct Live {
    const Node* node;
    bool under_hash;  // may be reached again by a later word
  };
  using LiveList = boost::container::small_vector<Live, 16>;

  void step(const Node& node, bool under_hash, std::string_view word) {
    if (const Edge* edge = node.words.find(word)) enter({edge->node.get(), under_hash});
    if (node.star) enter({node.star.get(), under_hash});
  }
  void enter(Live live) {
    now_.push_back(live);
    const Node* hash = live.node->hash.get();
    while (hash != nullptr && !(live.under_hash && is_reached(hash))) {
      hashes_.push_back(hash);
      hash = hash->hash.get();
    }
  }
  bool is_reached(const Node* hash) const {
    return std::find(hashes_.begin(), hashes_.end(), hash) != hashes_.end();
  }

  LiveList now_, previous_;
  boost::container::small_vector<const Node*, 16> hashes_;
};

}  // namespace

void TopicTrie::add(std::string_view pattern, const Target& target) {
  root_ = changed(root_.get(), Words(pattern), [&](TargetSet& here) { here.add(target); });
}

void TopicTrie::remove(std::string_view pattern, const Target& target) {
  if (!root_) return;
  root_ = changed(root_.get(), Words(pattern), [&](TargetSet& here) { here.remove(target); });
}

void TopicTrie::match(std::string_view key, Matched& matched) const {
  if (!root_) return;
  Walk walk(*root_);
  Words words(key);
  while (auto word = words.next())
    walk.read(*word);
  walk.append_to(matched);
}

}  // namespace warren::routing
