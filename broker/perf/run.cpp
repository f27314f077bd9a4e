#include "broker/perf/run.h"

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/perf/consumer.h"
#include "broker/perf/cpu.h"
#include "broker/perf/producer.h"

namespace warren::perf {

namespace {

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}

  std::string open();
  std::expected<Outcome, std::string> go();

 private:
  std::string declare_queues();
  const Uri& uri(std::size_t index) const { return options_.uris[index % options_.uris.size()]; }
  void run_for(double seconds);
  bool is_over() const;
  std::expected<Outcome, std::string> measured(std::int64_t begun, const Outcome& before);
  Outcome snapshot(double cpu_us) const;
  void delete_queues();

  const Options& options_;
  boost::asio::io_context io_{1};
  Tally tally_;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
};

std::string Run::declare_queues() {
  Link link(io_);
  if (std::string problem = link.open(uri(0)); !problem.empty()) return problem;
  for (std::uint32_t i = 0; i < options_.queues; ++i) {
    amqp::QueueDeclare declare;
    declare.queue = options_.queue_name(i);
    declare.durable = options_.durable;
    if (!options_.queue_type.empty()) declare.arguments.add("x-queue-type", options_.queue_type);
    if (const auto declared = link.call<amqp::QueueDeclareOk>(declare); !declared) {
      return declared.error();
    }
  }
  link.close();
  return {};
}

void Run::delete_queues() {
  Link link(io_);
  if (!link.open(uri(0)).empty()) return;
  for (std::uint32_t i = 0; i < options_.queues; ++i) {
    amqp::QueueDelete remove;
    remove.queue = options_.queue_name(i);
    if (!link.call<amqp::QueueDeleteOk>(remove)) return;
  }
  link.close();
}

std::string Run::open() {
  if (std::string problem = declare_queues(); !problem.empty()) return problem;
  for (std::uint32_t i = 0; i < options_.consumers; ++i) {
    consumers_.push_back(std::make_unique<Consumer>(io_, options_, tally_));
    std::string problem = consumers_.back()->open(uri(i + 1), options_.queue_name(i));
    if (!problem.empty()) return problem;
  }
  for (std::uint32_t i = 0; i < options_.producers; ++i) {
    const std::uint64_t share = options_.messages / options_.producers +
                                (i < options_.messages % options_.producers ? 1 : 0);
    producers_.push_back(std::make_unique<Producer>(io_, options_, tally_,
                                                    options_.rate / options_.producers, share));
    std::string problem = producers_.back()->open(uri(i), options_.queue_name(i));
    if (!problem.empty()) return problem;
  }
  return {};
}

bool Run::is_over() const {
  if (!tally_.failure.empty()) return true;
  if (options_.messages == 0) return false;
  if (options_.consumers > 0) return tally_.consumed >= options_.messages;
  for (const auto& producer : producers_) {
    if (!producer->is_done()) return false;
  }
  return true;
}

void Run::run_for(double seconds) {
  const auto deadline = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
  while (now_ns() < deadline && !is_over()) {
    io_.run_one_for(std::chrono::milliseconds(10));
    for (int i = 0; i < 64 && io_.poll_one() > 0; ++i) {
    }
  }
}

Outcome Run::snapshot(double cpu_us) const {
  Outcome outcome;
  outcome.published = tally_.published;
  outcome.confirmed = tally_.confirmed;
  outcome.nacked = tally_.nacked;
  outcome.consumed = tally_.consumed;
  outcome.redelivered = tally_.redelivered;
  outcome.cpu_us = cpu_us;
  return outcome;
}

std::expected<Outcome, std::string> Run::measured(std::int64_t begun, const Outcome& before) {
  const auto cpu = cpu_microseconds(options_.pids);
  if (!cpu) return std::unexpected(cpu.error());
  Outcome outcome = snapshot(*cpu - before.cpu_us);
  outcome.seconds = static_cast<double>(now_ns() - begun) * 1e-9;
  outcome.published -= before.published;
  outcome.confirmed -= before.confirmed;
  outcome.nacked -= before.nacked;
  outcome.consumed -= before.consumed;
  outcome.redelivered -= before.redelivered;
  outcome.delivery = tally_.delivery;
  outcome.confirm = tally_.confirm;
  return outcome;
}

std::expected<Outcome, std::string> Run::go() {
  for (const auto& consumer : consumers_)
    consumer->start();
  for (const auto& producer : producers_)
    producer->start();
  if (options_.messages == 0) run_for(options_.warmup);
  tally_.delivery.clear();
  tally_.confirm.clear();
  const auto cpu = cpu_microseconds(options_.pids);
  if (!cpu) return std::unexpected(cpu.error());
  const Outcome before = options_.messages == 0 ? snapshot(*cpu) : Outcome{.cpu_us = *cpu};
  const std::int64_t begun = now_ns();
  constexpr double day = 86400;
  run_for(options_.messages == 0 ? options_.seconds : day);
  auto outcome = measured(begun, before);
  for (const auto& producer : producers_)
    producer->stop();
  for (const auto& consumer : consumers_)
    consumer->settle();
  io_.run_for(std::chrono::milliseconds(50));  // for the last acknowledgements to leave
  for (const auto& producer : producers_)
    producer->close();
  for (const auto& consumer : consumers_)
    consumer->close();
  io_.poll();
  if (!options_.keep) delete_queues();
  if (!tally_.failure.empty()) return std::unexpected(tally_.failure);
  return outcome;
}

}  // namespace

std::expected<Outcome, std::string> run(const Options& options) {
  Run one(options);
  if (std::string problem = one.open(); !problem.empty()) return std::unexpected(problem);
  return one.go();
}

}  // namespace warren::perf
