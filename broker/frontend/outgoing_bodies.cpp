#include "broker/frontend/outgoing_bodies.h"

#include <utility>

#include "broker/base/check.h"

namespace warren::frontend {

amqp::FrameWriter& OutgoingBodies::writer(ChannelNumber channel) {
  if (channels_.empty()) return writer_;
  auto found = channels_.find(channel);
  if (found == channels_.end()) return writer_;
  Sending& last = found->second.back();
  if (!last.behind) {
    last.behind = std::make_unique<amqp::OutputBuffer>();
    last.behind_writer = std::make_unique<amqp::FrameWriter>(*last.behind, writer_.frame_max());
  }
  return *last.behind_writer;
}

std::size_t OutgoingBodies::octets_behind(ChannelNumber channel) const {
  auto found = channels_.find(channel);
  if (found == channels_.end()) return 0;
  std::size_t octets = 0;
  for (const Sending& sending : found->second)
    octets += sending.behind ? sending.behind->size() : 0;
  return octets;
}

std::size_t OutgoingBodies::octets_behind() const {
  std::size_t octets = 0;
  for (const auto& [channel, queue] : channels_)
    octets += octets_behind(channel);
  return octets;
}

void OutgoingBodies::send(ChannelNumber channel, OutgoingBody body) {
  CHECK(!body.parts.empty(), "a body without parts is written at once");
  Sending& sending = channels_[channel].emplace_back();
  sending.body = std::move(body);
  sending.number = ++last_number_;
}

std::optional<OutgoingBodies::Wanted> OutgoingBodies::next_wanted() {
  if (asked_ >= most_asked || channels_.empty()) return std::nullopt;
  auto at = channels_.upper_bound(last_asked_);
  for (std::size_t tried = 0; tried < channels_.size(); ++tried, ++at) {
    if (at == channels_.end()) at = channels_.begin();
    Sending& first = at->second.front();
    if (first.part != Sending::Part::wanted) continue;
    first.part = Sending::Part::asked;
    ++asked_;
    last_asked_ = at->first;
    return Wanted{first.number, first.body.group, first.body.parts[first.next].at};
  }
  return std::nullopt;
}

std::map<ChannelNumber, OutgoingBodies::Queue>::iterator OutgoingBodies::find(
    std::uint64_t number) {
  auto at = channels_.begin();
  while (at != channels_.end() && at->second.front().number != number)
    ++at;
  return at;
}

bool OutgoingBodies::arrived(std::uint64_t number, const Bytes& octets) {
  auto at = find(number);
  if (at == channels_.end()) return true;
  Sending& sending = at->second.front();
  CHECK(sending.part == Sending::Part::asked, "a part that was not asked for");
  if (octets.size() != sending.body.parts[sending.next].size) return false;
  --asked_;
  sending.part = Sending::Part::wanted;
  writer_.body(at->first, octets);
  if (++sending.next < sending.body.parts.size()) return true;
  writer_.body(at->first, sending.body.tail);
  if (sending.behind) output_.append_all(*sending.behind);
  auto sent = std::move(sending.body.sent);
  at->second.pop_front();
  if (at->second.empty()) channels_.erase(at);
  if (sent) sent();
  return true;
}

void OutgoingBodies::failed(std::uint64_t number) {
  auto at = find(number);
  if (at == channels_.end()) return;
  --asked_;
  at->second.front().part = Sending::Part::failed;
}

void OutgoingBodies::retry() {
  for (auto& [channel, queue] : channels_)
    if (queue.front().part == Sending::Part::failed) queue.front().part = Sending::Part::wanted;
}

void OutgoingBodies::clear() {
  channels_.clear();
  asked_ = 0;
}

}  // namespace warren::frontend
