#include "broker/routing/hashed_table.h"

#include <gtest/gtest.h>

#include <ctime>
#include <map>

namespace warren::routing {
namespace {

using Choice = HashedTable::Choice;

constexpr int keys = 20'000;

Target queue(std::uint64_t id) {
  return {QueueId(id), {}};
}

// Nothing: no target.
std::uint64_t chosen(const HashedTable& table, const Message& message) {
  std::vector<QueueId> queues;
  Matched matched{queues, {}};
  table.match(message, matched);
  EXPECT_LE(queues.size() + matched.exchanges.size(), 1u);
  return queues.empty() ? 0 : queues[0].value;
}

std::map<int, std::uint64_t> assignment(const HashedTable& table) {
  std::map<int, std::uint64_t> out;
  for (int i = 0; i < keys; ++i)
    out[i] = chosen(table, {"key." + std::to_string(i)});
  return out;
}

std::map<std::uint64_t, int> shares(const HashedTable& table) {
  std::map<std::uint64_t, int> out;
  for (const auto& [key, target] : assignment(table))
    ++out[target];
  return out;
}

class FakeMessage final : public HeaderView {
 public:
  std::map<std::string, std::string, std::less<>> headers, properties;
  std::optional<HeaderValue> lookup(std::string_view name) const override {
    auto found = headers.find(name);
    if (found == headers.end()) return std::nullopt;
    return HeaderValue{"longstr", found->second};
  }
  std::optional<std::string_view> property(std::string_view name) const override {
    auto found = properties.find(name);
    if (found == properties.end()) return std::nullopt;
    return found->second;
  }
};

TEST(ConsistentHash, SharesKeysByWeight) {
  HashedTable table(Choice::consistent);
  for (std::uint64_t id = 1; id <= 10; ++id)
    table.add(queue(id), id == 10 ? "3" : "1");
  const auto found = shares(table);
  ASSERT_EQ(found.size(), 10u);
  for (const auto& [id, share] : found) {
    const double fair = keys / 12.0 * (id == 10 ? 3 : 1);
    EXPECT_NEAR(share, fair, 0.25 * fair) << "queue " << id;
  }
}

// The property that the exchange has its name of.
TEST(ConsistentHash, WhoComesOrGoesMovesItsOwnKeysOnly) {
  HashedTable nine(Choice::consistent);
  for (std::uint64_t id = 1; id <= 9; ++id)
    nine.add(queue(id), "2");
  HashedTable ten = nine;
  ten.add(queue(10), "2");
  const auto before = assignment(nine), after = assignment(ten);
  int moved = 0;
  for (int i = 0; i < keys; ++i) {
    if (before.at(i) == after.at(i)) continue;
    ++moved;
    EXPECT_EQ(after.at(i), 10u) << "key " << i << " moved between others";
  }
  EXPECT_NEAR(moved, keys / 10.0, keys * 0.025);
  ten.remove(queue(10), "2");
  EXPECT_EQ(assignment(ten), before);
}

TEST(ConsistentHash, MoreWeightTakesKeysAndLessGivesThemBack) {
  HashedTable table(Choice::consistent);
  for (std::uint64_t id = 1; id <= 4; ++id)
    table.add(queue(id), "5");
  const auto before = assignment(table);
  table.add(queue(1), "5");
  const auto after = assignment(table);
  for (int i = 0; i < keys; ++i)
    if (before.at(i) != after.at(i)) EXPECT_EQ(after.at(i), 1u);
  EXPECT_GT(shares(table)[1], keys / 3);
  table.remove(queue(1), "5");
  EXPECT_EQ(assignment(table), before);
}

// Every node comes to the same table, whatever the order; and each version must go on with the
// assignments of the one before it.
TEST(ConsistentHash, IsTheSameEverywhereAndAlways) {
  HashedTable one(Choice::consistent), other(Choice::consistent);
  for (std::uint64_t id = 1; id <= 20; ++id) {
    one.add(queue(id), "1");
    other.add(queue(21 - id), "1");
  }
  other.add(queue(99), "7");
  other.remove(queue(99), "7");
  EXPECT_EQ(assignment(one), assignment(other));
  std::string first;
  for (const char* key : {"a", "b", "c", "orders.1", "orders.2", ""})
    first += std::to_string(chosen(one, {key})) + " ";
  EXPECT_EQ(first, "14 12 10 18 16 20 ");
}

TEST(ConsistentHash, OfAHeaderOrAPropertyOnly) {
  for (const char* name : {"message_id", "correlation_id", "timestamp", "hash-me"}) {
    const bool header = std::string_view(name) == "hash-me";
    const std::vector arguments{
        HeaderField{header ? "hash-header" : "hash-property", "longstr", name}};
    HashedTable table(Choice::consistent, HashOn::from(arguments).value());
    for (std::uint64_t id = 1; id <= 8; ++id)
      table.add(queue(id), "1");
    std::map<std::uint64_t, int> found;
    for (int i = 0; i < 800; ++i) {
      FakeMessage message;
      (header ? message.headers : message.properties)[name] = std::to_string(i);
      const std::uint64_t target = chosen(table, {"key", &message});
      EXPECT_EQ(chosen(table, {"another key", &message}), target);
      ++found[target];
    }
    EXPECT_EQ(found.size(), 8u) << name;
    const FakeMessage none;
    EXPECT_EQ(chosen(table, {"key", &none}), chosen(table, {"other", nullptr})) << name;
  }
}

TEST(ConsistentHash, OnlyTheFirstKeyCounts) {
  HashedTable table(Choice::consistent);
  for (std::uint64_t id = 1; id <= 8; ++id)
    table.add(queue(id), "1");
  const std::vector<std::string> copies{"x", "y"};
  for (int i = 0; i < 50; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_EQ(chosen(table, {key, nullptr, copies}), chosen(table, {key}));
  }
}

TEST(ConsistentHash, AWeightIsAPositiveInteger) {
  HashedTable table(Choice::consistent);
  for (const char* good : {"1", "10", "007", "100000"})
    EXPECT_TRUE(table.check(good)) << good;
  for (const char* bad :
       {"", "0", "-1", "1.5", "two", "1 ", " 1", "100001", "99999999999999999999"}) {
    auto refused = table.check(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, ReplyCode::precondition_failed);
  }
  table.add(queue(1), "99999");
  EXPECT_TRUE(table.check("1"));
  EXPECT_FALSE(table.check("2"));
}

TEST(ConsistentHash, ArgumentsThatContradictAreRefused) {
  const HeaderField header{"hash-header", "longstr", "h"};
  const HeaderField property{"hash-property", "longstr", "message_id"};
  const std::vector both{header, property};
  EXPECT_EQ(HashOn::from(both).error(),
            (Error{ReplyCode::precondition_failed,
                   "hash-header and hash-property are mutually exclusive"}));
  const std::vector unknown{HeaderField{"hash-property", "longstr", "app_id"}};
  EXPECT_EQ(HashOn::from(unknown).error(),
            (Error{ReplyCode::precondition_failed, "Unsupported property: app_id"}));
  const std::vector number{HeaderField{"hash-header", "long", "1"}};
  EXPECT_EQ(HashOn::from(number).error(),
            (Error{ReplyCode::precondition_failed, "invalid type 'long' for arg 'hash-header'"}));
}

// What one bind costs must not grow with the bindings: each publishes a snapshot.
TEST(ConsistentHash, TenThousandBindingsAreChangedOneByOne) {
  HashedTable table(Choice::consistent);
  std::vector<HashedTable> snapshots;
  const std::clock_t begin = std::clock();
  for (std::uint64_t id = 1; id <= 10'000; ++id) {
    table.add(queue(id), "1");
    if (id % 100 == 0) snapshots.push_back(table);
  }
  // A tenth of a second of the processor; to build the ring anew each time takes minutes.
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
  EXPECT_LE(chosen(snapshots.front(), {"k"}), 100u);
  EXPECT_GT(shares(table).size(), 7'000u);
}

TEST(ModulusHash, SharesKeysAndKnowsEachTargetOnce) {
  HashedTable table(Choice::modulus);
  for (std::uint64_t id = 1; id <= 5; ++id)
    table.add(queue(id), "whatever");
  table.add(queue(1), "again");
  for (const auto& [id, share] : shares(table))
    EXPECT_NEAR(share, keys / 5, keys * 0.02) << "queue " << id;
  table.remove(queue(1), "again");
  EXPECT_EQ(shares(table).size(), 5u);
  table.remove(queue(1), "whatever");
  EXPECT_EQ(shares(table).size(), 4u);
}

TEST(ModulusHash, OrderOfBindingsDoesNotShow) {
  HashedTable one(Choice::modulus), other(Choice::modulus);
  for (std::uint64_t id = 1; id <= 7; ++id) {
    one.add(queue(id), "");
    other.add(queue(8 - id), "");
  }
  EXPECT_EQ(assignment(one), assignment(other));
}

TEST(RandomExchange, ChoosesByTheDrawGivenAndNothingElse) {
  HashedTable table(Choice::random);
  for (std::uint64_t id = 1; id <= 4; ++id)
    table.add(queue(id), "");
  std::map<std::uint64_t, int> found;
  for (std::uint64_t i = 0; i < 4'000; ++i) {
    const std::uint64_t draw = hash_mix(i, 1);
    ++found[chosen(table, {"same key", nullptr, {}, draw})];
    EXPECT_EQ(chosen(table, {"a", nullptr, {}, draw}), chosen(table, {"b", nullptr, {}, draw}));
  }
  ASSERT_EQ(found.size(), 4u);
  for (const auto& [id, share] : found)
    EXPECT_NEAR(share, 1'000, 150) << "queue " << id;
}

TEST(HashedTable, WithoutBindingsNothingIsChosen) {
  for (Choice choice : {Choice::consistent, Choice::modulus, Choice::random})
    EXPECT_EQ(chosen(HashedTable(choice), {"k"}), 0u);
}

}  // namespace
}  // namespace warren::routing
