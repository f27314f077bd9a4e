// One lane of node 1 on a reactor of its own, over a store in memory, with a world that records.
// Everything runs on the reactor by run(): no test waits for a clock.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/cluster/lane.h"
#include "tests/support/memory_log_store.h"
#include "tests/unit/broker/replica/catalog_fixture.h"

namespace warren::cluster {

class MemoryGroupStore final : public replica::GroupStore {
 public:
  raft::LogStore& log() override { return log_; }
  void create(raft::GroupId group, raft::MemberId self, bool abstain) override {
    created.push_back({group, self, abstain});
  }
  void remove(raft::GroupId group) override { removed.push_back(group); }
  void clear_abstain(raft::GroupId) override {}
  void keep_time(raft::GroupId group, const replica::KeptTime& time) override {
    times[group] = time;
  }
  std::optional<replica::KeptTime> kept_time(raft::GroupId group) const override {
    const auto time = times.find(group);
    return time == times.end() ? std::nullopt : std::optional(time->second);
  }
  void compact(raft::GroupId, raft::Index) override {}
  raft::Index first(raft::GroupId) const override { return raft::Index(1); }
  void delete_entries(raft::GroupId, const std::vector<replica::EntryRange>&) override {}
  void read_entries(raft::GroupId, std::vector<raft::Index>,
                    std::function<void(std::vector<replica::ReadBack>)>) override {}
  void write_snapshot(raft::GroupId, const raft::SnapshotMeta&, std::vector<replica::StatePart>,
                      std::function<void()>) override {}
  Result<void> load_snapshot(
      raft::GroupId,
      const std::function<Result<void>(const std::string&, const std::string&)>&) override {
    return {};
  }
  test::MemoryLogStore& memory() { return log_; }

  struct Created {
    raft::GroupId group;
    raft::MemberId self;
    bool abstain = false;
  };
  std::vector<Created> created;
  std::vector<raft::GroupId> removed;
  std::map<raft::GroupId, replica::KeptTime> times;

 private:
  test::MemoryLogStore log_;
};

struct RecordingWorld final : LaneWorld {
  void send_raft(NodeId node, std::vector<raft::Message> urgent,
                 std::vector<raft::Message> bulk) override {
    for (auto* half : {&urgent, &bulk})
      for (raft::Message& message : *half)
        raft[node].push_back(std::move(message));
  }
  void send_snapshot(GroupId, raft::Term, raft::MemberId) override {}
  void send_to_hosts(NodeId node, proto::SessionFrames frames) override {
    for (const auto& frame : frames.frames())
      to_hosts[node].push_back(frame);
  }
  void send_to_clients(NodeId, proto::SessionFrames) override {}
  bool reachable(NodeId node) const override { return up.contains(node); }
  void on_catalog_answer(session::ToClient) override {}
  void on_catalog_reply(NodeId, session::ToClient) override {}
  void on_catalog_applied(std::shared_ptr<const catalog::Snapshot>,
                          const catalog::Effects&) override {}
  void on_catalog_status(const raft::Status&) override {}
  void on_catalog_read(std::uint64_t, bool) override {}
  void on_catalog_outcome(std::uint64_t, const catalog::Outcome*) override {}
  void on_leading(GroupId, bool) override {}
  void on_queue_sealed(QueueId) override {}
  void on_queue_unused(QueueId) override {}
  void on_dead_letters(std::size_t, GroupId, std::vector<replica::DeadLetterJob>) override {}
  void on_outcomes(std::vector<replica::CommandOutcome> told) override {
    outcomes.insert(outcomes.end(), told.begin(), told.end());
  }
  void on_deliveries(std::uint64_t, std::vector<queue::Delivery>) override {}
  void on_consumer_cancelled(std::uint64_t, ConsumerNumber) override {}
  void on_holdings_refused(std::uint64_t, QueueId, std::vector<queue::Held>) override {}
  void on_writable(GroupId) override {}
  void on_session_ended(SessionId) override { ++sessions_ended; }

  std::set<NodeId> up;
  std::map<NodeId, std::vector<raft::Message>> raft;
  std::map<NodeId, std::vector<proto::SessionFrame>> to_hosts;
  std::vector<replica::CommandOutcome> outcomes;
  int sessions_ended = 0;
};

class LaneTest : public ::testing::Test {
 protected:
  LaneTest() {
    config.self = NodeId(1);
    config.disk = DiskId(1);
    config.groups.raft.seed = 1;
  }
  ~LaneTest() override { shut_down(); }

  // Nothing runs after it; what lived on the reactor may be destroyed.
  void shut_down() {
    if (std::exchange(down, true)) return;
    if (lane) run([this] { lane->stop(); });
    reactor.stop();
  }
  // On the reactor; returns when the turn that it is part of has ended.
  template <typename What>
  void run(What what) {
    std::promise<void> done;
    reactor.post([&] {
      what();
      reactor.at_turn_end([&done] { done.set_value(); });
    });
    done.get_future().wait();
  }
  // The lane as it is, and what it made due by turns.
  template <typename What>
  void with_lane(What what) {
    run([&] {
      if (!lane) lane = std::make_unique<Lane>(reactor, config, store, world);
      what(*lane);
      lane->wake();
    });
    for (int i = 0; i < 4; ++i)
      run([this] { lane->wake(); });
  }
  void begin(const catalog::Effects& effects = {}) {
    with_lane([&](Lane& l) {
      l.set_catalog(fixture.snapshot(), effects);
      l.start_session({NodeId(1), fixture.incarnation()});
    });
  }
  void tell_catalog(const catalog::Effects& effects = {}) {
    with_lane([&](Lane& l) { l.set_catalog(fixture.snapshot(), effects); });
  }
  Incarnation join(std::uint32_t node) {
    return fixture
        .run(catalog::RegisterNode{"node" + std::to_string(node), NodeId(node), DiskId(node), ""})
        .incarnation;
  }
  void publish(GroupId group, QueueId queue) {
    with_lane([&](Lane& l) {
      queue::Publish p;
      p.queues.push_back(queue);
      l.client(group)->submit({queue::ClientCommand(p)}, l.now());
    });
  }

  replica::CatalogFixture fixture;
  LaneConfig config;
  MemoryGroupStore store;
  RecordingWorld world;
  runtime::Reactor reactor{"lane"};
  std::unique_ptr<Lane> lane;
  bool down = false;
};

}  // namespace warren::cluster
