#include "tests/simulation/stream_checker.h"

#include <fmt/format.h>

namespace warren::simulation {

void StreamChecker::on_begin(std::uint64_t channel, QueueId queue, const std::string& name) {
  readers_[channel] = {queue, name, std::nullopt};
}

void StreamChecker::on_read(std::uint64_t channel, Ordinal offset) {
  Reader& reader = readers_.at(channel);
  const auto wrong = [&](const char* what, Ordinal expected) {
    world_.violation(fmt::format("stream {}: the reader {} of channel {} {} {} and is given {}",
                                 reader.queue, reader.name, channel, what, expected, offset));
  };
  if (reader.next) {
    if (offset != *reader.next) wrong("waits for", *reader.next);
  } else if (reader.name.empty()) {
    if (offset.value != 0) wrong("begins with", Ordinal(0));
  } else {
    const Ordinal floor = progress_[{reader.queue, reader.name}].floor;
    if (offset > floor) wrong("has acknowledged what is below", floor);
    if (offset.value > 0) ++world_.tally["reader resumed"];
  }
  reader.next = offset.next();
}

void StreamChecker::on_acknowledged(std::uint64_t channel, Ordinal offset) {
  const Reader& reader = readers_.at(channel);
  Progress& progress = progress_[{reader.queue, reader.name}];
  if (offset >= progress.floor) progress.above.insert(offset);
  while (!progress.above.empty() && *progress.above.begin() == progress.floor) {
    progress.above.erase(progress.above.begin());
    ++progress.floor;
  }
}

bool StreamChecker::on_message(QueueId queue, Ordinal offset, MessageId message,
                               std::uint64_t publisher, std::uint64_t sequence, bool in_order) {
  const auto [seen, fresh] =
      log_.try_emplace({queue, offset}, Seen{message, publisher, sequence, in_order});
  if (!fresh && (seen->second.message != message || seen->second.sequence != sequence))
    world_.violation(fmt::format("stream {}: offset {} is {}:{} to one reader and {}:{} to another",
                                 queue, offset, seen->second.publisher, seen->second.sequence,
                                 publisher, sequence));
  ++world_.tally["read of a stream"];
  return fresh;
}

bool StreamChecker::is_at(std::uint64_t channel, Ordinal next) const {
  const auto reader = readers_.find(channel);
  if (reader == readers_.end()) return false;
  // One that goes on from the end has nothing to read.
  if (!reader->second.next && !reader->second.name.empty()) {
    const auto progress = progress_.find({reader->second.queue, reader->second.name});
    return progress != progress_.end() && progress->second.floor == next;
  }
  return reader->second.next.value_or(Ordinal(0)) == next;
}

void StreamChecker::at_end() {
  std::map<std::pair<QueueId, std::uint64_t>, std::uint64_t> last;
  for (const auto& [place, seen] : log_) {
    if (!seen.in_order) continue;
    std::uint64_t& before = last[{place.first, seen.publisher}];
    if (seen.sequence <= before)
      world_.violation(fmt::format("stream {}: {}:{} stands behind {}", place.first, seen.publisher,
                                   seen.sequence, before));
    before = seen.sequence;
  }
}

}  // namespace warren::simulation
