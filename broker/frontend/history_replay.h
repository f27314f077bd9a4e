// HistoryReplay: gives what an exchange of type x-recent-history has kept to what has just been
// bound to it, the oldest first: reads the hidden queue page by page, and publishes to the
// destination alone. One bind's, of one channel, which owns it and may drop it at any time; its
// reactor. docs/decisions/0012-recent-history.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/catalog/command.h"
#include "broker/cluster/door.h"
#include "broker/frontend/upload.h"

namespace warren::frontend {

class HistoryReplay final : public cluster::ChannelSink,
                            public std::enable_shared_from_this<HistoryReplay> {
 public:
  struct Source {
    GroupId group;
    QueueId queue;
  };
  struct Destination {
    std::string vhost, name;
    catalog::DestinationKind kind = catalog::DestinationKind::queue;
  };
  // How many messages. Error: 541, some group had no leader in time.
  using Done = std::function<void(Result<std::uint64_t>)>;

  // The door outlives it. `progress` is called for each page.
  HistoryReplay(cluster::Door& door, Source source, Destination destination,
                std::function<void()> progress, Done done);
  ~HistoryReplay() override;
  HistoryReplay(const HistoryReplay&) = delete;
  HistoryReplay& operator=(const HistoryReplay&) = delete;

  // REQUIRES: a shared_ptr owns it.
  void start();

  void on_outcomes(std::span<const cluster::CommandOutcome> outcomes) override;
  void on_deliveries(std::vector<queue::Delivery>) override {}
  void on_consumer_cancelled(ConsumerNumber) override {}
  void on_holdings_refused(QueueId, std::span<const queue::Held>) override {}
  bool on_reply(std::uint64_t, const queue::Content*) override { return false; }
  // What is under way is told to have failed.
  void on_incarnation_lost() override {}

 private:
  void read_page();
  void on_page(Result<queue::BrowsedPage> page);
  void give();
  std::function<void()> go_on();
  void address();
  void fetch_part();
  void on_part(const Result<std::optional<Bytes>>& octets);
  void publish();
  void next_message();
  void end_if_decided();
  void end(Result<std::uint64_t> result);
  queue::UploadId upload() const { return queue::upload_of(channel_, upload_); }

  cluster::Door& door_;
  const Source source_;
  const Destination destination_;
  const std::function<void()> progress_;
  Done done_;  // none: it is over
  const std::uint64_t channel_;
  Ordinal next_;                      // where the next page begins
  std::optional<Ordinal> end_;        // what came later comes by the binding
  std::deque<queue::Delivery> page_;  // the first is on its way
  bool addressed_ = false;            // by targets_
  std::vector<Target> targets_;
  std::uint32_t upload_ = 0;  // number
  std::size_t parts_ = 0;     // sent
  std::uint64_t octets_ = 0;  // of those
  bool all_given_ = false, failed_ = false;
  std::size_t undecided_ = 0;
  std::uint64_t given_ = 0;
};

}  // namespace warren::frontend
