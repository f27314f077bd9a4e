// DeadLetterWorker: takes the dead letters of the groups that one lane leads to where they go:
// routes them by the node's catalog, tells their death in their headers, and publishes them through
// the node's own sessions, in order for each group. Lives on the lane's reactor, beside its door;
// owned by Cluster. docs/decisions/0008-dead-letters.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
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

  // On the reactor. Each letter gets one answer, however long it takes.
  void take(GroupId source, std::vector<replica::DeadLetterJob> letters);

 private:
  // One whose body goes ahead in parts.
  struct Upload {
    replica::DeadLetterJob job;
    AddressedLetter letter;
    queue::UploadId id;
    std::size_t sent = 0;  // parts
    std::uint64_t octets = 0;
  };
  struct Line {
    std::deque<replica::DeadLetterJob> jobs;
    std::optional<Upload> upload;  // what follows waits for it
    bool waiting = false;          // until it may route, or until a group takes more
  };
  struct UnderWay {
    GroupId source;
    replica::DeadLetterAnswer answer;
    std::size_t left = 0;  // groups
  };

  void run(GroupId source);
  bool may_go_on(GroupId source, Line& line);
  void start(GroupId source, Line& line, replica::DeadLetterJob job);
  void publish(GroupId source, const replica::DeadLetterJob& job, AddressedLetter letter,
               const Upload* upload);
  void wait_for_room(GroupId source, Line& line, const AddressedLetter& letter);
  void fetch_part(GroupId source, Line& line);
  void on_part(GroupId source, queue::UploadId upload, const Result<std::optional<Bytes>>& octets);
  void give_up(GroupId source, Line& line);
  void answer(GroupId source, const replica::DeadLetterJob& job, bool done);
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
  std::map<GroupId, Line> lines_;
  std::uint64_t last_tag_ = 0;
  std::uint32_t last_upload_ = 0;
  std::map<std::uint64_t, UnderWay> under_way_;  // by tag
  std::map<GroupId, std::vector<replica::DeadLetterAnswer>> answers_;
};

}  // namespace warren::cluster
