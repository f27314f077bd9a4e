// A session against a group whose leaders change, lose what they had not committed, and whose
// streams break anywhere: every batch is applied once, in order, and its outcome told truly.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <random>

#include "broker/session/client_stream.h"
#include "broker/session/host_stream.h"
#include "broker/session/ledger.h"

namespace warren::session {
namespace {

const SessionId session{NodeId(1), Incarnation(10)};

struct World {
  explicit World(std::uint64_t seed) : random(seed) {}

  std::mt19937_64 random;
  BootTime now{};
  // The group: what is committed for good, and what its present leader proposed.
  Ledger ledger;
  std::deque<Batch> proposed;
  std::vector<std::string> applied;
  std::unique_ptr<HostStream> host;  // of the present leader; null: none leads
  bool connected = false;
  std::deque<ToHost> to_host;
  std::deque<ToClient> to_client;
  // The front end.
  ClientStream client{session, {8, 64, Milliseconds(50)}, [] { return Bytes(); }};
  std::uint64_t submitted = 0;
  bool submitting = true;
  std::map<std::uint64_t, std::optional<std::string>> decided;
  bool session_ended = false;

  bool chance(unsigned percent) { return random() % 100 < percent; }

  void elect() {
    // Some of what the former leader proposed survives, in order, and commits first.
    std::size_t survives = proposed.empty() ? 0 : random() % (proposed.size() + 1);
    proposed.resize(survives);
    host = nullptr;
    while (!proposed.empty())
      commit_one();
    host = std::make_unique<HostStream>(session, Term(), ledger, 8);
    break_stream();
  }
  void break_stream() {
    connected = false;
    to_host.resize(to_host.empty() ? 0 : random() % to_host.size());
    while (!to_host.empty())
      host_receives();
    to_client.resize(to_client.empty() ? 0 : random() % to_client.size());
    while (!to_client.empty())
      client_receives();
    client.disconnect(NodeId());
    drain();
  }
  void commit_one() {
    if (proposed.empty()) return;
    Batch batch = proposed.front();
    proposed.pop_front();
    if (ledger.admit(session, batch.number) != Admission::apply) return;
    ledger.release(session, batch.released);
    applied.emplace_back(batch.payload.view());
    ledger.record(session, batch.number, "outcome of " + applied.back());
    ASSERT_LE(ledger.outcomes(session, BatchNumber()).size(), 8u);
    if (host) host->on_applied(batch.number, "outcome of " + applied.back());
  }
  void host_receives() {
    if (to_host.empty()) return;
    ToHost message = std::move(to_host.front());
    to_host.pop_front();
    if (host) host->on_message(std::move(message), ledger);
  }
  void client_receives() {
    if (to_client.empty()) return;
    ToClient message = std::move(to_client.front());
    to_client.pop_front();
    client.on_message(std::move(message), now);
  }
  void drain() {
    if (host) {
      HostReady ready = host->take_ready();
      for (Batch& batch : ready.batches)
        proposed.push_back(std::move(batch));
      if (ready.attach) {
        host->attached(ready.epoch, Bytes(std::to_string(host->applied().value)));
        for (ToClient& one : host->take_ready().messages)
          ready.messages.push_back(one);
      }
      for (ToClient& one : ready.messages)
        if (connected) to_client.push_back(std::move(one));
    }
    ClientReady ready = client.take_ready();
    for (ToHost& one : ready.messages)
      if (connected) to_host.push_back(std::move(one));
    for (Happening& one : ready.happenings)
      happened(one);
  }
  void happened(const Happening& one) {
    if (const Decided* known = std::get_if<Decided>(&one)) {
      ASSERT_TRUE(decided.emplace(known->number.value, known->octets).second) << "decided twice";
    } else if (std::holds_alternative<SeekLeader>(one)) {
      connected = false;
    } else if (std::holds_alternative<SessionEnded>(one)) {
      session_ended = true;
    }
  }
  void connect() {
    to_host.clear();
    to_client.clear();
    connected = true;
    client.connect(now);
  }
  void step(bool faults) {
    now += Milliseconds(1);
    client.tick(now);
    if (faults && chance(2)) elect();
    if (faults && chance(2)) break_stream();
    if (!connected && chance(20)) connect();
    if (submitting && !client.full() && chance(40)) {
      const std::string payload = std::to_string(++submitted);
      ASSERT_EQ(client.submit(Bytes(payload)).value, submitted);
    }
    drain();
    if (chance(60)) host_receives();
    drain();
    if (chance(50)) commit_one();
    drain();
    if (chance(60)) client_receives();
    drain();
  }
  void check_applied_once_in_order() {
    for (std::size_t i = 0; i < applied.size(); ++i)
      ASSERT_EQ(applied[i], std::to_string(i + 1)) << "at " << i;
  }
};

TEST(StreamSimulation, AppliesEveryBatchOnceInOrderAndTellsTheTruth) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World world(seed);
    world.elect();
    for (int i = 0; i < 1500; ++i)
      world.step(true);
    world.submitting = false;
    for (int i = 0; i < 2000; ++i)
      world.step(false);
    ASSERT_TRUE(world.client.sender().idle());
    ASSERT_EQ(world.client.phase(), ClientStream::Phase::flowing);
    world.check_applied_once_in_order();
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_GT(world.applied.size(), 50u);
    for (const auto& [number, octets] : world.decided)
      ASSERT_EQ(octets, "outcome of " + std::to_string(number));
    ASSERT_EQ(world.applied.size(), world.submitted);
    ASSERT_EQ(world.decided.size(), world.submitted);
  }
}

TEST(StreamSimulation, AnEndedSessionLearnsExactlyWhatWasApplied) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World world(seed);
    world.elect();
    for (int i = 0; i < 300; ++i)
      world.step(true);
    world.ledger.end(session);
    if (world.host) world.host->on_ended(world.ledger);
    for (int i = 0; i < 2000 && !world.session_ended; ++i)
      world.step(true);
    ASSERT_TRUE(world.session_ended);
    world.check_applied_once_in_order();
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_EQ(world.decided.size(), world.submitted);
    for (const auto& [number, octets] : world.decided) {
      ASSERT_EQ(octets.has_value(), number <= world.applied.size()) << number;
      if (octets) ASSERT_EQ(*octets, "outcome of " + std::to_string(number));
    }
  }
}

}  // namespace
}  // namespace warren::session
