// The state machine as a whole: random commands against a naive model, and its cost at scale.
#include "broker/catalog/catalog.h"

#include <ctime>
#include <deque>
#include <random>

#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

// Routing by walking lists, as slow and as plain as can be.
class NaiveModel {
 public:
  struct Binding {
    std::string source, destination, key;
    bool to_exchange;
    auto operator<=>(const Binding&) const = default;
  };

  std::map<std::string, std::string> exchange_types;
  std::map<std::string, QueueId> queues;
  std::set<Binding> bindings;

  std::vector<QueueId> route(const std::string& exchange, const std::string& key) const {
    std::set<QueueId> reached;
    std::set<std::string> seen{exchange};
    std::deque<std::string> work{exchange};
    for (; !work.empty(); work.pop_front()) {
      for (const Binding& b : bindings) {
        if (b.source != work.front() || !matches(exchange_types.at(b.source), b.key, key)) continue;
        if (!b.to_exchange)
          reached.insert(queues.at(b.destination));
        else if (seen.insert(b.destination).second)
          work.push_back(b.destination);
      }
    }
    return {reached.begin(), reached.end()};
  }
  void forget(const std::string& name, bool exchange) {
    std::erase_if(bindings, [&](const Binding& b) {
      return (b.to_exchange == exchange && b.destination == name) || (exchange && b.source == name);
    });
  }

 private:
  // Patterns in this test are words without dots, "*", "#" and "a.#".
  static bool matches(const std::string& type, const std::string& pattern, const std::string& key) {
    if (type == "fanout") return true;
    if (type == "direct" || (pattern != "*" && pattern != "#" && pattern != "a.#"))
      return pattern == key;
    if (pattern == "#") return true;
    if (pattern == "*") return !key.empty() && key.find('.') == std::string::npos;
    return key == "a" || key.starts_with("a.");
  }
};

class RandomDefinitions : public CatalogTest, public ::testing::WithParamInterface<int> {
 protected:
  std::string pick(std::initializer_list<const char*> choices) {
    return choices.begin()[random_() % choices.size()];
  }
  std::string any_exchange() { return "x" + std::to_string(random_() % 5); }
  std::string any_queue() { return "q" + std::to_string(random_() % 6); }
  std::string any_pattern() { return pick({"a", "b", "*", "#", "a.#", ""}); }

  void random_step() {
    switch (random_() % 8) {
      case 0:
        return declare_exchange(any_exchange(), pick({"direct", "fanout", "topic"}));
      case 1:
        return declare_queue(any_queue());
      case 2:
        return random_() % 4 == 0 ? delete_exchange(any_exchange()) : declare_queue("q0");
      case 3:
        return random_() % 4 == 0 ? delete_queue(any_queue()) : declare_queue("q1");
      case 4:
        return change_binding(false);
      default:
        return change_binding(true);
    }
  }
  void declare_exchange(const std::string& name, const std::string& type) {
    if (!give(exchange(name, type)).outcome.error) model_.exchange_types[name] = type;
  }
  void declare_queue(const std::string& name) { model_.queues[name] = ok(queue(name)).queue; }
  void delete_exchange(const std::string& name) {
    ok(DeleteExchange{"/", name, false});
    model_.exchange_types.erase(name);
    model_.forget(name, true);
  }
  void delete_queue(const std::string& name) {
    auto found = model_.queues.find(name);
    if (found == model_.queues.end()) return;
    ok(DeleteQueue{found->second});
    model_.forget(name, false);
    model_.queues.erase(found);
  }
  void change_binding(bool add) {
    const bool to_exchange = random_() % 3 == 0;
    const NaiveModel::Binding b{any_exchange(), to_exchange ? any_exchange() : any_queue(),
                                any_pattern(), to_exchange};
    const Bind command = to_exchange ? exchange_binding(b.source, b.destination, b.key)
                                     : binding(b.source, b.destination, b.key);
    if (!add) {
      ok(unbinding(command));
      model_.bindings.erase(b);
    } else if (!give(command).outcome.error) {
      model_.bindings.insert(b);
    }
  }
  static void compare(const Snapshot& snapshot, const NaiveModel& model) {
    ASSERT_EQ(snapshot.binding_count(), model.bindings.size());
    for (const auto& [name, type] : model.exchange_types) {
      for (const char* key : {"a", "b", "a.b", "", "c"}) {
        std::vector<QueueId> out;
        ASSERT_EQ(snapshot.route("/", name, {key}, out), RouteResult::routed);
        ASSERT_EQ(out, model.route(name, key)) << name << " with key '" << key << "'";
      }
    }
  }

  std::mt19937_64 random_{static_cast<std::uint64_t>(GetParam())};
  NaiveModel model_;
};

TEST_P(RandomDefinitions, RouteAsANaiveModelAndSnapshotsStayAsTheyWere) {
  std::deque<std::pair<std::shared_ptr<const Snapshot>, NaiveModel>> earlier;
  for (int step = 0; step < 300; ++step) {
    random_step();
    compare(*catalog_.snapshot(), model_);
    earlier.emplace_back(catalog_.snapshot(), model_);
    if (earlier.size() > 20) {
      compare(*earlier.front().first, earlier.front().second);
      earlier.pop_front();
    }
  }
  const Result<Catalog> restored = Catalog::restore(catalog_.snapshot_octets());
  ASSERT_TRUE(restored.has_value());
  compare(*restored->snapshot(), model_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDefinitions, ::testing::Range(1, 9));

class Whole : public CatalogTest {};

TEST_F(Whole, SameCommandsGiveTheSameOctetsInEveryReplica) {
  Catalog other;
  CatalogIndex index;
  auto both = [&](const Command& command) {
    give(command);
    index = index.next();
    other.apply(index, command, Stamp(1));
  };
  other.apply(index = CatalogIndex(1), three_nodes(), Stamp(1));
  for (int i = 0; i < 200; ++i) {
    both(queue("q" + std::to_string(i)));
    both(binding(i % 2 ? "amq.topic" : "amq.direct", "q" + std::to_string(i), "k"));
    if (i % 5 == 0) both(DeleteQueue{QueueId(index.value - 1)});
  }
  EXPECT_EQ(catalog_.snapshot_octets(), other.snapshot_octets());
}

TEST_F(Whole, NoOpEntriesMoveTheIndexOn) {
  catalog_.advance(CatalogIndex(50));
  EXPECT_EQ(catalog_.snapshot()->index(), CatalogIndex(50));
}

using CatalogDeathTest = Whole;
TEST_F(CatalogDeathTest, IndexNeverStandsStill) {
  EXPECT_DEATH(catalog_.apply(last_, queue("q"), Stamp(1)), "index 1 after 1");
}

// By processor time, so that a loaded machine does not matter.
TEST_F(Whole, HundredThousandQueuesAreNotQuadratic) {
  constexpr int rounds = 4, round_size = 25'000;
  std::vector<std::clock_t> took;
  std::shared_ptr<const Snapshot> published;
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t started = std::clock();
    for (int i = 0; i < round_size; ++i) {
      const std::string number = std::to_string(round * round_size + i);
      give(queue("queue-" + number));
      give(binding("amq.topic", "queue-" + number, "orders." + number + ".#"));
      published = catalog_.snapshot();
    }
    took.push_back(std::clock() - started);
  }
  EXPECT_EQ(published->binding_count(), std::size_t{rounds * round_size});
  EXPECT_EQ(route("amq.topic", "orders.4711.new").size(), 1u);
  // Seven times as long, if each change cost as much as what is there already.
  EXPECT_LT(took.back(), 4 * took.front());
}

}  // namespace
}  // namespace warren::catalog
