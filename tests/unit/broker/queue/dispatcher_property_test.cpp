// A leader's whole life at random: publishes, consumers, settles, lost streams, failovers with a
// restored machine, against a model that knows who holds what and who was ever handed what.
#include <map>
#include <random>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

constexpr std::uint32_t largest_prefetch = 4;

class Life {
 public:
  explicit Life(unsigned seed) : random_(seed), world_(config()) {
    world_.start();
    world_.machine.create(bills, Settings{}, world_.effects);
  }

  void play(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step)
      one_step();
    drain();
  }

 private:
  static DispatcherConfig config() {
    DispatcherConfig config;
    config.mark_stride = 8;
    config.burst = 5;
    return config;
  }
  struct Holding {
    SessionId session;
    Held held;
    ConsumerNumber consumer;
  };
  using Key = std::pair<QueueId, MessageId>;

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  QueueId some_queue() { return draw(2) == 0 ? orders : bills; }
  SessionId some_session() { return draw(2) == 0 ? session_a : session_b; }

  void one_step() {
    switch (draw(24)) {
      case 0:
      case 1:
        return consume();
      case 2:
        return cancel();
      case 18:
        return change_prefetch();
      case 3:
      case 4:
        return get();
      case 5:
        return lose_stream();
      case 6:
        return draw(3) == 0 ? failover() : void();
      case 7:
        return purge();
      case 8:
        return draw(6) == 0 ? end_session() : world_.pass(static_cast<int>(draw(300)));
      case 9:
      case 10:
      case 11:
        return settle(SettleKind::requeue_lost);
      case 12:
      case 13:
      case 14:
      case 15:
        return settle(SettleKind::ack);
      case 16:
      case 17:
        return take();
      default: {
        QueueId id = some_queue();
        ready_[id].insert(world_.publish(id, 10));
        return;
      }
    }
  }

  void consume() {
    SessionId session = some_session();
    if (!attached_[session]) return;
    Consumer consumer;
    consumer.number = ConsumerNumber(++numbers_);
    consumer.queue = some_queue();
    consumer.prefetch = 1 + static_cast<std::uint32_t>(draw(largest_prefetch));
    consumer.priority = static_cast<std::int32_t>(draw(2));
    world_.dispatcher.add_consumer(session, consumer);
    consumers_[session][consumer.number] = consumer;
  }
  void cancel() {
    SessionId session = some_session();
    if (!attached_[session] || consumers_[session].empty()) return;
    auto it = consumers_[session].begin();
    world_.dispatcher.cancel_consumer(session, it->first, world_.now);
    consumers_[session].erase(it);
  }
  // While its session is detached the leader learns it by the next claim.
  void change_prefetch() {
    SessionId session = some_session();
    for (auto& [number, consumer] : consumers_[session]) {
      if (!admitted_.contains(number) || draw(2) == 0) continue;
      consumer.prefetch = 1 + static_cast<std::uint32_t>(draw(largest_prefetch));
      if (attached_[session]) world_.dispatcher.set_prefetch(session, number, consumer.prefetch);
    }
  }
  void get() {
    SessionId session = some_session();
    if (attached_[session]) world_.get(session, some_queue());
  }

  // Everything that goes out must be ready, the first of its queue, and honestly flagged.
  void take() {
    Poll& poll = world_.poll(1 + draw(10));
    for (const ConsumeAnswer& answer : poll.consumes)
      admitted_.insert(answer.number);
    for (const GetAnswer& answer : poll.gets)
      if (answer.handout) took(*answer.handout);
    for (const Handout& handout : poll.handouts)
      took(handout);
    Needs needs = poll.needs;
    if (!needs.empty()) world_.commit(needs);
  }
  void took(const Handout& handout) {
    Key key{handout.queue, handout.held.message};
    auto& ready = ready_[handout.queue];
    ASSERT_TRUE(ready.contains(key.second)) << "held by two, or gone";
    if (handout.consumer) {
      EXPECT_EQ(*ready.begin(), key.second) << "out of order";
      auto& held = outstanding_[handout.consumer];
      EXPECT_LT(held, consumers_[handout.session][handout.consumer].prefetch);
      ++held;
    }
    const Mark& mark = world_.machine.find(handout.queue)->messages.mark(LevelNumber(0));
    EXPECT_LT(handout.ordinal, mark.committed);
    if (handed_.contains(key)) EXPECT_TRUE(handout.redelivered);
    if (handout.redelivered && !handed_.contains(key))
      EXPECT_LT(handout.ordinal, mark.redelivered_below);
    handed_.insert(key);
    ready.erase(key.second);
    holdings_[key] = {handout.session, handout.held, handout.consumer};
  }

  void settle(SettleKind kind) {
    if (holdings_.empty()) return;
    auto it = std::next(holdings_.begin(), static_cast<std::ptrdiff_t>(draw(holdings_.size())));
    auto [key, holding] = *it;
    if (!attached_[holding.session]) return;
    EXPECT_TRUE(world_.settle(holding.session, key.first, holding.held, kind));
    forget(it);
    if (kind != SettleKind::ack) ready_[key.first].insert(key.second);
  }
  void forget(std::map<Key, Holding>::iterator it) {
    if (it->second.consumer) --outstanding_[it->second.consumer];
    holdings_.erase(it);
  }
  void purge() {
    QueueId id = some_queue();
    auto spared = world_.dispatcher.resolve_purge(session_a, id);
    world_.machine.purge(id, spared, world_.effects);
    world_.applied();
    std::erase_if(ready_[id], [&](MessageId message) {
      return world_.machine.find(id)->messages.find(message) == std::nullopt;
    });
    for (const auto& [key, holding] : holdings_)
      if (key.first == id) EXPECT_TRUE(world_.machine.find(id)->messages.find(key.second));
  }

  void lose_stream() {
    SessionId session = some_session();
    if (attached_[session]) {
      world_.dispatcher.session_detached(session, world_.now);
      attached_[session] = false;
      if (draw(2) == 0) wait_for_grace();
    } else {
      attach(session);
    }
  }
  void wait_for_grace() {
    world_.pass(2000);
    take();  // asks for the lapse and commits it
    for (auto it = holdings_.begin(); it != holdings_.end();) {
      auto next = std::next(it);
      if (!attached_[it->second.session]) {
        ready_[it->first.first].insert(it->first.second);
        forget(it);
      }
      it = next;
    }
  }
  void attach(SessionId session) {
    std::vector<Claim> claims;
    for (const auto& [number, consumer] : consumers_[session]) {
      admitted_.insert(number);
      Claim claim;
      claim.consumer = consumer;
      claim.queue = consumer.queue;
      claims.push_back(claim);
    }
    for (const auto& [key, holding] : holdings_) {
      if (holding.session != session) continue;
      auto claim = std::find_if(claims.begin(), claims.end(), [&](const Claim& made) {
        return made.consumer.number == holding.consumer;
      });
      if (claim == claims.end() || !holding.consumer) {
        claim = claims.insert(claims.end(), Claim());
        claim->consumer.number = holding.consumer;
        claim->cancelled = true;
        claim->queue = key.first;
      }
      claim->held.push_back(holding.held);
    }
    world_.attach(session, claims);
    attached_[session] = true;
    EXPECT_TRUE(world_.reply.refused.empty());
    EXPECT_TRUE(world_.reply.cancelled.empty());
    for (const auto& renewed : world_.reply.renewed)
      for (auto& [key, holding] : holdings_)
        if (holding.held == Held{renewed.message, renewed.before})
          holding.held.checkout = renewed.now;
  }

  // A new leader whose machine came from a snapshot. Sessions come back one by one, or too late.
  void failover() {
    world_.dispatcher.end_term();
    world_.machine = copy_by_snapshot(world_.machine);
    world_.lead(++term_);
    bool late = draw(4) == 0;
    attached_[session_a] = attached_[session_b] = false;
    attach(session_a);
    if (late) wait_for_grace();
    attach(session_b);
  }
  void end_session() {
    SessionId session = some_session();
    world_.machine.end_session(session, world_.effects);
    world_.applied();
    for (auto it = holdings_.begin(); it != holdings_.end();) {
      auto next = std::next(it);
      if (it->second.session == session) {
        ready_[it->first.first].insert(it->first.second);
        forget(it);
      }
      it = next;
    }
    consumers_[session].clear();
    world_.attach(session);
    attached_[session] = true;
  }

  void drain() {
    for (SessionId session : {session_a, session_b})
      if (!attached_[session]) attach(session);
    for (int round = 0; round < 5000 && (left() > 0 || !holdings_.empty()); ++round) {
      if (consumers_[session_a].size() < 20) consume();
      take();
      settle(SettleKind::ack);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_EQ(left(), 0u);
    for (QueueId id : {orders, bills}) {
      QueueCounts counts = world_.dispatcher.counts(id);
      EXPECT_EQ(counts.ready, 0u);
      EXPECT_EQ(counts.unacknowledged, 0u);
    }
    EXPECT_EQ(world_.machine.live_entries().size(), 0u);
  }
  std::size_t left() { return ready_[orders].size() + ready_[bills].size(); }

  std::mt19937_64 random_;
  World world_;
  std::map<QueueId, std::set<MessageId>> ready_;
  std::map<Key, Holding> holdings_;
  std::set<Key> handed_;
  std::map<SessionId, bool> attached_{{session_a, true}, {session_b, true}};
  std::map<SessionId, std::map<ConsumerNumber, Consumer>> consumers_;
  std::set<ConsumerNumber> admitted_;
  std::map<ConsumerNumber, std::uint64_t> outstanding_;
  std::uint64_t numbers_ = 0;
  std::uint64_t term_ = 1;
};

TEST(DispatcherProperty, NobodyHoldsTwiceNothingIsLostAndFlagsAreHonest) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life(seed).play(400);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace warren::queue
