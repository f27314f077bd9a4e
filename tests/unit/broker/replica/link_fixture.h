// A GroupClient and a QueueHost over a link in memory, with a log that commits at once.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iterator>

#include "broker/base/bytes.h"
#include "broker/replica/group_client.h"
#include "broker/replica/queue_host.h"
#include "tests/unit/broker/replica/catalog_fixture.h"

namespace warren::replica {

using namespace queue;
using namespace std::chrono_literals;

class Leader : public QueueHostPorts {
 public:
  explicit Leader(std::shared_ptr<const catalog::Snapshot> catalog) : catalog_(catalog) {}

  void lead(Term term, BootTime now) {
    if (host) host->end(NodeId(9));
    host.reset();
    state.apply_no_op(EntryIndex(++last), term);
    term_ = term;
    host = std::make_unique<QueueHost>(GroupId(1), state, *this, config, catalog_, term,
                                       Stamp(1000), now);
  }
  void set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                   const catalog::Effects& effects) {
    catalog_ = catalog;
    if (host) host->on_catalog(catalog, effects);
  }
  void turn(BootTime now) {
    if (!cut_off) host->set_led_at(now);
    while (host->turn(now) || (!proposed.empty() && !slow_log) || (!reads.empty() && !slow_disk)) {
      QueueApplied applied;
      for (auto& data : slow_log ? decltype(proposed){} : std::exchange(proposed, {})) {
        ASSERT_TRUE(state.apply(EntryIndex(++last), term_, data, applied));
        for (auto& [index, contents] : applied.contents)
          all[index] = contents;
      }
      host->on_applied(applied, now);
      if (slow_disk) continue;
      for (EntryIndex index : std::exchange(reads, {}))
        host->on_contents(index, all[index]);
    }
  }

  raft::ProposeResult propose(std::shared_ptr<const std::string> entry) override {
    if (refuse) return {raft::ProposeOutcome::full, {}, {}, {}};
    proposed.push_back(std::move(entry));
    return {raft::ProposeOutcome::proposed, raft::Index(last + proposed.size()), {}, {}};
  }
  void send(session::ToClient message) override { to_client.push_back(std::move(message)); }
  void read_entries(std::vector<EntryIndex> entries) override {
    reads.insert(reads.end(), entries.begin(), entries.end());
  }
  void on_queue_sealed(QueueId queue) override { sealed.push_back(queue); }
  void on_queue_unused(QueueId queue) override { unused.push_back(queue); }
  void on_dead_letters(std::vector<DeadLetterJob> given) override {
    std::ranges::move(given, std::back_inserter(letters));
  }

  QueueState state;
  QueueHostConfig config;
  std::unique_ptr<QueueHost> host;
  std::deque<session::ToClient> to_client;
  std::vector<std::shared_ptr<const std::string>> proposed;
  std::vector<EntryIndex> reads;
  std::map<EntryIndex, std::shared_ptr<const EntryContents>> all;
  std::vector<QueueId> sealed, unused;
  std::vector<DeadLetterJob> letters;
  bool refuse = false;
  bool slow_log = false;   // proposed, and not committed
  bool cut_off = false;    // no majority says that it leads
  bool slow_disk = false;  // reads are not answered
  std::uint64_t last = 0;

 private:
  std::shared_ptr<const catalog::Snapshot> catalog_;
  Term term_;
};

class Link : public ::testing::Test, public GroupClientSink {
 protected:
  Link() {
    client.set_catalog_index(fixture.index());
    leader.lead(Term(1), now);
    client.connect(now);
    settle();
  }

  void send(session::ToHost message) override { to_host.push_back(std::move(message)); }
  void seek_leader(NodeId) override { ++seeks; }
  void on_outcomes(std::vector<CommandOutcome> o) override {
    outcomes.insert(outcomes.end(), o.begin(), o.end());
  }
  void on_deliveries(std::uint64_t channel, std::vector<Delivery> d) override {
    EXPECT_EQ(channel, 1u);
    for (Delivery& one : d)
      deliveries.push_back(std::move(one));
  }
  void on_consumer_cancelled(std::uint64_t, ConsumerNumber n) override { cancelled.push_back(n); }
  void on_holdings_refused(std::uint64_t, QueueId, std::vector<Held> held) override {
    refused.insert(refused.end(), held.begin(), held.end());
  }
  void on_writable() override { ++writable; }
  void on_session_ended() override { ++ended; }

  // Until nothing moves.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      client.turn(now);
      while (!to_host.empty() && connected) {
        leader.host->on_message(std::move(to_host.front()), now);
        to_host.pop_front();
      }
      leader.turn(now);
      while (!leader.to_client.empty()) {
        if (connected) client.on_message(std::move(leader.to_client.front()), now);
        leader.to_client.pop_front();
      }
    }
  }
  void publish(std::string_view body, std::uint64_t tag = 0, std::uint64_t delay_ms = 0) {
    Publish p;
    p.delay_ms = delay_ms;
    p.origin = {1, tag};
    Bytes octets = Bytes::copy_of(body);
    p.content.owner = octets.owner();
    p.content.body = octets.view();
    p.queues.push_back(q);
    client.submit({ClientCommand(p)}, now);
  }
  ConsumerNumber consume(std::uint32_t prefetch, std::optional<StreamReading> reading = {}) {
    Consumer c;
    c.tag = "reader";
    c.reading = std::move(reading);
    c.number = ConsumerNumber(++consumer);
    c.queue = q;
    c.channel = 1;
    c.prefetch = prefetch;
    client.consume(c, [this](Result<ConsumerNumber> r) { consumed = r; }, now);
    settle();
    return c.number;
  }
  void ack(const Delivery& d, SettleKind kind = SettleKind::ack) {
    client.submit({ClientCommand(Settle{{1, 0}, d.queue, kind, {d.held}})}, now);
  }
  std::uint64_t unsettled() {
    const QueueRecord* record = leader.state.machine().find(q);
    return record == nullptr ? 0 : record->messages.size();
  }

  BootTime now{1s};
  CatalogFixture fixture;
  QueueId q = fixture.declare("q");
  Leader leader{fixture.snapshot()};
  GroupClient client{{NodeId(1), fixture.incarnation()}, {}, *this};
  std::deque<session::ToHost> to_host;
  bool connected = true;
  std::vector<CommandOutcome> outcomes;
  std::vector<Delivery> deliveries;
  std::vector<ConsumerNumber> cancelled;
  std::vector<Held> refused;
  int seeks = 0, writable = 0, ended = 0;
  std::uint64_t consumer = 0;
  std::optional<Result<ConsumerNumber>> consumed;
};

}  // namespace warren::replica
