#include "broker/queue/stream_book.h"

#include <algorithm>

namespace warren::queue {

void StreamBook::note(Ordinal ordinal, Stamp stamp) {
  if (runs_.empty() || stamp.value >= runs_.back().began.value + run_ms)
    runs_.push_back({ordinal, stamp});
}

std::optional<Ordinal> StreamBook::since(Stamp stamp) const {
  const auto later = std::ranges::upper_bound(runs_, stamp, {}, &Run::began);
  const bool within =
      later != runs_.begin() && std::prev(later)->began.value + run_ms > stamp.value;
  if (within) return std::prev(later)->first;
  return later == runs_.end() ? std::nullopt : std::optional(later->first);
}

std::optional<Ordinal> StreamBook::before(Stamp stamp) const {
  std::optional<Ordinal> end;
  for (std::size_t i = 0; i + 1 < runs_.size(); ++i) {
    if (runs_[i].began.value + run_ms > stamp.value) break;
    end = runs_[i + 1].first;
  }
  return end;
}

void StreamBook::trim(Ordinal first) {
  first_ = first;
  while (runs_.size() > 1 && runs_[1].first <= first)
    runs_.pop_front();
}

void StreamBook::read_through(std::string_view tag, Ordinal next) {
  auto reader = readers_.find(tag);
  if (reader == readers_.end()) {
    if (readers_.size() == most_readers)
      readers_.erase(std::ranges::min_element(readers_, {},
                                              [](const auto& known) { return known.second.turn; }));
    reader = readers_.emplace(tag, Reader()).first;
  }
  reader->second = {std::max(reader->second.next, next), ++turn_};
}

std::optional<Ordinal> StreamBook::read_through(std::string_view tag) const {
  const auto reader = readers_.find(tag);
  return reader == readers_.end() ? std::nullopt : std::optional(reader->second.next);
}

std::size_t StreamBook::memory_octets() const {
  std::size_t total = runs_.size() * sizeof(Run);
  for (const auto& [tag, reader] : readers_)
    total += tag.size() + 80;
  return total;
}

void StreamBook::encode(ByteWriter& out) const {
  out.varint(first_.value);
  out.varint(runs_.size());
  Run last;
  for (const Run& run : runs_) {
    out.varint(run.first.value - last.first.value);
    out.varint(run.began.value - last.began.value);
    last = run;
  }
  out.varint(turn_);
  out.varint(readers_.size());
  for (const auto& [tag, reader] : readers_) {
    out.string(tag);
    out.varint(reader.next.value);
    out.varint(reader.turn);
  }
}

bool StreamBook::decode(ByteReader& in) {
  first_ = Ordinal(in.varint());
  const std::uint64_t runs = in.varint();
  Run run;
  for (std::uint64_t i = 0; i < runs && in.ok(); ++i) {
    run.first.value += in.varint();
    run.began.value += in.varint();
    runs_.push_back(run);
  }
  turn_ = in.varint();
  const std::uint64_t readers = in.varint();
  for (std::uint64_t i = 0; i < readers && in.ok(); ++i) {
    Reader& reader = readers_[std::string(in.string())];
    reader.next = Ordinal(in.varint());
    reader.turn = in.varint();
  }
  return in.ok() && readers_.size() == readers;
}

}  // namespace warren::queue
