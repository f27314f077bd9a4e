// Producer: publishes to one queue within its confirm window, at its rate. Lives on the run's
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "broker/perf/link.h"
#include "broker/perf/tally.h"

namespace warren::perf {

class Producer {
 public:
  // `rate` is this producer's own, `limit` its messages (0: no limit). The references must outlive
  // it.
  Producer(boost::asio::io_context& io, const Options& options, Tally& tally, double rate,
           std::uint64_t limit)
      : link_(io), timer_(io), options_(options), tally_(tally), rate_(rate), limit_(limit) {}

  // Blocks until the channel is ready. Returns what went wrong, or an empty string.
  std::string open(const Uri& uri, std::string queue);
  void start();
  void stop() { stopped_ = true; }
  void close();
  bool is_done() const { return limit_ > 0 && published_ == limit_ && unconfirmed_ == 0; }

 private:
  void pump();
  bool may_publish(std::int64_t now) const;
  void publish(std::int64_t now, const Bytes& body);
  void tick();
  void on_frame(const amqp::Frame& frame);
  void on_confirm(std::uint64_t tag, bool multiple, bool ack);
  void confirm_one(std::int64_t& sent, std::int64_t now, bool ack);

  Link link_;
  boost::asio::steady_timer timer_;
  const Options& options_;
  Tally& tally_;
  const double rate_;
  const std::uint64_t limit_;
  std::string queue_;
  std::string properties_;
  bool stopped_ = false;
  std::int64_t begun_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t unconfirmed_ = 0;
  std::uint64_t first_tag_ = 1;    // of sent_'s front
  std::deque<std::int64_t> sent_;  // when, 0 once confirmed
};

}  // namespace warren::perf
