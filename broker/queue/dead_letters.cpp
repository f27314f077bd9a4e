#include "broker/queue/dead_letters.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

namespace warren::queue {

std::string_view name_of(DeathReason reason) {
  switch (reason) {
    case DeathReason::rejected:
      return "rejected";
    case DeathReason::expired:
      return "expired";
    case DeathReason::maxlen:
      return "maxlen";
    case DeathReason::delivery_limit:
      return "delivery_limit";
  }
  return "";
}

void DeadLetters::add(QueueId queue, const DeadLettering& route, DeadLetter letter) {
  auto [at, fresh] = sources_.try_emplace(queue);
  if (fresh) at->second.route = route;
  letter.number = ++last_;
  at->second.letters.push_back(letter);
  ++at->second.waiting;
  at->second.octets += letter.size;
  ++size_;
}

void DeadLetters::release_source(QueueId queue) {
  if (auto at = sources_.find(queue); at != sources_.end()) at->second.route.retained = false;
}

// One that stays must not keep all that came after it and went.
void DeadLetters::forget_done(std::deque<DeadLetter>& letters, std::uint64_t waiting) {
  constexpr std::uint64_t few = 64;
  while (!letters.empty() && !letters.front().message.entry)
    letters.pop_front();
  if (letters.size() > 2 * waiting + few)
    std::erase_if(letters, [](const DeadLetter& letter) { return !letter.message.entry; });
}

std::optional<MessageId> DeadLetters::finish(QueueId queue, DeadLetterNumber number) {
  auto at = sources_.find(queue);
  if (at == sources_.end()) return std::nullopt;
  auto& letters = at->second.letters;
  auto letter = std::ranges::lower_bound(letters, number, {}, &DeadLetter::number);
  if (letter == letters.end() || letter->number != number || !letter->message.entry)
    return std::nullopt;
  const MessageId message = std::exchange(letter->message, {});
  at->second.octets -= letter->size;
  --size_;
  if (--at->second.waiting == 0)
    sources_.erase(at);
  else
    forget_done(letters, at->second.waiting);
  return message;
}

const DeadLetter* DeadLetters::next(QueueId queue, DeadLetterNumber from) const {
  const Source* source = find(queue);
  if (source == nullptr) return nullptr;
  auto letter = std::ranges::lower_bound(source->letters, from, {}, &DeadLetter::number);
  while (letter != source->letters.end() && !letter->message.entry)
    ++letter;
  return letter == source->letters.end() ? nullptr : &*letter;
}

const DeadLetters::Source* DeadLetters::find(QueueId queue) const {
  auto at = sources_.find(queue);
  return at == sources_.end() ? nullptr : &at->second;
}

std::size_t DeadLetters::memory_octets() const {
  constexpr std::size_t node = 1024;  // a map's node with its route and an empty deque, estimated
  std::size_t letters = 0;
  for (const auto& [queue, source] : sources_)
    letters += source.letters.size();
  return sources_.size() * node + letters * sizeof(DeadLetter);
}

void DeadLetters::encode(ByteWriter& out) const {
  out.varint(last_.value);
  out.varint(sources_.size());
  for (const auto& [queue, source] : sources_) {
    out.varint(queue.value);
    source.route.encode(out);
    out.varint(source.waiting);
    DeadLetter before;
    for (const DeadLetter& letter : source.letters) {
      if (!letter.message.entry) continue;
      out.varint(letter.number.value - before.number.value);
      out.zigzag(
          static_cast<std::int64_t>(letter.message.entry.value - before.message.entry.value));
      out.varint(letter.message.slot.value);
      out.zigzag(static_cast<std::int64_t>(letter.died.value - before.died.value));
      out.u8(static_cast<std::uint8_t>(letter.reason));
      out.varint(letter.size);
      before = letter;
    }
  }
}

bool DeadLetters::decode_source(ByteReader& in) {
  const QueueId queue(in.varint());
  auto route = DeadLettering::decode(in);
  const std::uint64_t count = in.varint();
  if (!in.ok() || !route || count == 0 || sources_.contains(queue)) return false;
  Source& source = sources_[queue];
  source.route = std::move(*route);
  DeadLetter letter;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.varint();
    letter.number = letter.number.next(step);
    letter.message.entry = letter.message.entry.next(static_cast<std::uint64_t>(in.zigzag()));
    letter.message.slot = Slot(static_cast<std::uint32_t>(in.varint()));
    letter.died = letter.died.next(static_cast<std::uint64_t>(in.zigzag()));
    letter.reason = static_cast<DeathReason>(in.u8());
    letter.size = static_cast<std::uint32_t>(in.varint());
    if (!in.ok() || step == 0 || letter.number > last_ || !letter.message.entry ||
        letter.reason > DeathReason::delivery_limit)
      return false;
    source.letters.push_back(letter);
    source.octets += letter.size;
  }
  source.waiting = count;
  size_ += count;
  return true;
}

bool DeadLetters::decode(ByteReader& in) {
  CHECK(sources_.empty(), "decoding over {} queues", sources_.size());
  last_ = DeadLetterNumber(in.varint());
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count; ++i)
    if (!in.ok() || !decode_source(in)) return false;
  return in.ok();
}

}  // namespace warren::queue
