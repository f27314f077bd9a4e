// Counters and gauges, rendered as Prometheus text. Each is a relaxed atomic that one reactor adds
// to: a Counter has one cell per reactor, so that adding takes no lock and shares no cache line.
// Registering and rendering lock; adding never does. Lifetime of what the registry hands out: its
// own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace warren::metrics {

class Counter {
 public:
  // Any thread; more threads than cells share them, which stays correct.
  void add(std::uint64_t by = 1) { cells_[cell()].value.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> value{0};
  };
  static std::size_t cell();

  std::array<Cell, 8> cells_;
};

class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class Registry {
 public:
  // `labels` as Prometheus writes them, without braces: `protocol="amqp091"`. Asking again for the
  // same name and labels gives the same metric. REQUIRES: a name keeps its kind and help.
  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = "");
  Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = "");

  // Prometheus text format 0.0.4, names in order.
  std::string render() const;

 private:
  struct Family {
    std::string help;
    std::map<std::string, Counter*, std::less<>> counters;
    std::map<std::string, Gauge*, std::less<>> gauges;
  };
  Family& family(std::string_view name, std::string_view help);

  mutable std::mutex mutex_;
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::map<std::string, Family, std::less<>> families_;
};

// A label's value with \, " and newline escaped.
std::string escape_label(std::string_view value);

}  // namespace warren::metrics
