#include "broker/metrics/registry.h"

#include <fmt/format.h>

#include "broker/base/check.h"

namespace warren::metrics {

namespace {

template <typename Metrics>
void render_rows(std::string& out, std::string_view name, const Metrics& metrics) {
  for (const auto& [labels, metric] : metrics) {
    out += labels.empty() ? fmt::format("{} {}\n", name, metric->value())
                          : fmt::format("{}{{{}}} {}\n", name, labels, metric->value());
  }
}

}  // namespace

std::size_t Counter::cell() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine % std::tuple_size_v<decltype(cells_)>;
}

std::uint64_t Counter::value() const {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_)
    sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

Registry::Family& Registry::family(std::string_view name, std::string_view help) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(name, Family{std::string(help), {}, {}}).first;
  }
  return found->second;
}

Counter& Registry::counter(std::string_view name, std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  Family& in = family(name, help);
  CHECK(in.gauges.empty(), "{} is a gauge", name);
  if (const auto found = in.counters.find(labels); found != in.counters.end()) {
    return *found->second;
  }
  return *in.counters.emplace(labels, &counters_.emplace_back()).first->second;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, std::string_view labels) {
  const std::lock_guard lock(mutex_);
  Family& in = family(name, help);
  CHECK(in.counters.empty(), "{} is a counter", name);
  if (const auto found = in.gauges.find(labels); found != in.gauges.end()) return *found->second;
  return *in.gauges.emplace(labels, &gauges_.emplace_back()).first->second;
}

std::string Registry::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, in] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, in.help, name,
                       in.gauges.empty() ? "counter" : "gauge");
    render_rows(out, name, in.counters);
    render_rows(out, name, in.gauges);
  }
  return out;
}

std::string escape_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace warren::metrics
