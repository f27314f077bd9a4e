// The result as text.
#include <fmt/format.h>

#include "broker/perf/run.h"

namespace warren::perf {

namespace {

double rate(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// What one message means: one consumed, or published when nobody consumes.
std::uint64_t messages(const Options& options, const Outcome& outcome) {
  return options.consumers > 0 ? outcome.consumed : outcome.published;
}

double cpu_per_message(const Options& options, const Outcome& outcome) {
  const std::uint64_t count = messages(options, outcome);
  return count > 0 ? outcome.cpu_us / static_cast<double>(count) : 0;
}

std::string json_latency(const Histogram& histogram) {
  return fmt::format(R"({{"p50_ms":{:.3f},"p99_ms":{:.3f},"p999_ms":{:.3f},"count":{}}})",
                     histogram.percentile_ms(0.5), histogram.percentile_ms(0.99),
                     histogram.percentile_ms(0.999), histogram.count());
}

std::string text_latency(const char* what, const Histogram& histogram) {
  if (histogram.count() == 0) return {};
  return fmt::format("; {} ms p50 {:.2f} p99 {:.2f} p99.9 {:.2f}", what,
                     histogram.percentile_ms(0.5), histogram.percentile_ms(0.99),
                     histogram.percentile_ms(0.999));
}

std::string json_report(const Options& options, const Outcome& outcome) {
  return fmt::format(
      R"({{"seconds":{:.3f},"published":{},"confirmed":{},"nacked":{},"consumed":{},)"
      R"("redelivered":{},"published_per_second":{:.1f},"consumed_per_second":{:.1f},)"
      R"("cpu_us_per_message":{:.2f},"delivery":{},"confirm":{}}})",
      outcome.seconds, outcome.published, outcome.confirmed, outcome.nacked, outcome.consumed,
      outcome.redelivered, rate(outcome.published, outcome.seconds),
      rate(outcome.consumed, outcome.seconds), cpu_per_message(options, outcome),
      json_latency(outcome.delivery), json_latency(outcome.confirm));
}

}  // namespace

std::string report(const Options& options, const Outcome& outcome) {
  if (options.json) return json_report(options, outcome);
  std::string line = fmt::format("{:.1f} s: published {:.0f}/s, consumed {:.0f}/s", outcome.seconds,
                                 rate(outcome.published, outcome.seconds),
                                 rate(outcome.consumed, outcome.seconds));
  if (outcome.nacked > 0) line += fmt::format(", nacked {}", outcome.nacked);
  if (outcome.redelivered > 0) line += fmt::format(", redelivered {}", outcome.redelivered);
  line += text_latency("delivery", outcome.delivery);
  line += text_latency("confirm", outcome.confirm);
  if (!options.pids.empty()) {
    line += fmt::format("; broker CPU {:.1f} us a message", cpu_per_message(options, outcome));
  }
  return line;
}

}  // namespace warren::perf
