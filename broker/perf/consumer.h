// Consumer: takes messages of one queue, acknowledges every n-th with multiple, measures latency.
// Lives on the run's thread.
#pragma once

#include <cstdint>
#include <string>

#include "broker/perf/link.h"
#include "broker/perf/tally.h"

namespace warren::perf {

class Consumer {
 public:
  // The references must outlive it.
  Consumer(boost::asio::io_context& io, const Options& options, Tally& tally)
      : link_(io), options_(options), tally_(tally) {}

  // Blocks until messages may come. Returns what went wrong, or an empty string.
  std::string open(const Uri& uri, const std::string& queue);
  void start();
  // Acknowledges what it holds.
  void settle();
  void close();

 private:
  void on_frame(const amqp::Frame& frame);
  void on_method(std::string_view payload);
  void on_body(std::string_view payload);
  void on_whole_message();

  Link link_;
  const Options& options_;
  Tally& tally_;
  bool stopped_ = false;
  std::uint64_t tag_ = 0;
  std::uint32_t unacknowledged_ = 0;
  std::uint64_t body_left_ = 0;
  bool first_body_frame_ = false;
};

}  // namespace warren::perf
