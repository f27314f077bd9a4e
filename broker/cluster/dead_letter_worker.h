// DeadLetterWorker: takes the dead letters of the groups that one lane leads to where they go:
// routes them by the node's catalog, tells their death in their headers, and publishes them through
// the node's own sessions. Lives on the lane's reactor, beside its door; owned by Cluster.
// docs/decisions/0008-dead-letters.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "broker/cluster/dead_letter_address.h"
#include "broker/cluster/door.h"
#include "broker/replica/dead_letter_job.h"

namespace warren::cluster {

class DeadLetterWorker final : private ChannelSink {
 public:
  using Answer = std::function<void(GroupId source, std::vector<replica::DeadLetterAnswer>)>;

  // The door outlives the worker; `answer` is called on its reactor.
  DeadLetterWorker(Door& door, Answer answer);

  // On the reactor. Each letter gets one answer, however long it takes. How many there are at a
  // time is the giver's to bound.
  void take(GroupId source, std::vector<replica::DeadLetterJob> letters);

 private:
  struct Waiting {
    GroupId source;
    replica::DeadLetterJob job;
  };
  // One whose body goes ahead in parts.
  struct Upload {
    Waiting letter;
    AddressedLetter to;
    std::uint32_t number = 0;  // of the first target's upload; each has its own
    std::size_t sent = 0;      // parts
    std::uint64_t octets = 0;
  };
  struct UnderWay {
    GroupId source;
    replica::DeadLetterAnswer answer;
    bool retained = false;
    std::vector<AddressedLetter::Target> targets;
    std::size_t left = 0;  // of them, not decided
  };

  void route_all();
  void tell_cycles(const replica::DeadLetterJob& job, std::span<const QueueId> targets);
  void start(Waiting letter);
  void publish(const Waiting& letter, AddressedLetter to, const Upload* upload);
  // Whether the target has it, or need not.
  static bool has_it(const UnderWay& letter, const AddressedLetter::Target& target,
                     queue::OutcomeCode code);
  void fetch_part(std::uint32_t upload);
  void on_part(std::uint32_t upload, const Result<std::optional<Bytes>>& octets);
  queue::UploadId upload_id(const Upload& upload, std::size_t target) const {
    return queue::upload_of(channel_, upload.number + static_cast<std::uint32_t>(target));
  }
  void await_room(std::uint32_t upload);
  void end_upload(std::uint32_t upload);
  void give_up(std::uint32_t upload);
  void answer(GroupId source, replica::DeadLetterAnswer answer);
  void send_answers();

  // ChannelSink
  void on_outcomes(std::span<const CommandOutcome> outcomes) override;
  void on_deliveries(std::vector<queue::Delivery>) override {}
  void on_consumer_cancelled(ConsumerNumber) override {}
  void on_holdings_refused(QueueId, std::span<const queue::Held>) override {}
  bool on_reply(std::uint64_t, const queue::Content*) override { return false; }
  // Whatever is under way is told to have failed.
  void on_incarnation_lost() override {}

  Door& door_;
  const Answer answer_;
  const std::uint64_t channel_;
  std::deque<Waiting> unrouted_;  // while the node may not route
  bool awaits_lease_ = false;
  std::set<std::pair<QueueId, QueueId>> told_cycles_;  // where from and where to
  std::map<std::uint32_t, Upload> uploads_;            // by number
  std::uint64_t last_tag_ = 0;  // of a letter; its targets have the tags that follow it
  std::uint32_t last_upload_ = 0;
  // By the tag of the first target.
  std::map<std::uint64_t, UnderWay> under_way_;
  std::map<GroupId, std::vector<replica::DeadLetterAnswer>> answers_;
};

}  // namespace warren::cluster
