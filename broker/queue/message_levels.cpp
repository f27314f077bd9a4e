#include "broker/queue/message_levels.h"

#include <utility>

#include "broker/base/check.h"

namespace warren::queue {

const Level* MessageLevels::find_level(LevelNumber level) const {
  if (level == LevelNumber(0)) return &top_;
  auto it = rest_.find(level);
  return it == rest_.end() ? nullptr : &it->second;
}

Level& MessageLevels::at(LevelNumber level) {
  if (level == LevelNumber(0)) return top_;
  return rest_.try_emplace(level, level).first->second;
}

Ordinal MessageLevels::next(LevelNumber level) const {
  const Level* found = find_level(level);
  return found == nullptr ? first_of(level) : found->next;
}

Mark MessageLevels::mark(LevelNumber level) const {
  const Level* found = find_level(level);
  return found == nullptr ? Level(level).mark : found->mark;
}

std::optional<LevelNumber> MessageLevels::level_from(unsigned number) const {
  if (number == 0) return LevelNumber(0);
  if (number > 255) return std::nullopt;
  auto it = rest_.lower_bound(LevelNumber(static_cast<std::uint8_t>(number)));
  return it == rest_.end() ? std::nullopt : std::optional(it->first);
}

void MessageLevels::append(LevelNumber number, const Message& message) {
  Level& level = at(number);
  Message placed = message;
  placed.ordinal = level.next;
  CHECK(level.messages.append(placed), "message {}.{} is there", message.id.entry, message.id.slot);
  ++level.next;
  ++size_;
  octets_ += message.size;
  dated_ += message.deadline ? 1 : 0;
}

std::optional<Message> MessageLevels::find(MessageId id) const {
  if (auto found = top_.messages.find(id)) return found;
  for (const auto& [number, level] : rest_)
    if (auto found = level.messages.find(id)) return found;
  return std::nullopt;
}

std::optional<Message> MessageLevels::find(Ordinal ordinal) const {
  const Level* level = find_level(level_of(ordinal));
  return level == nullptr ? std::nullopt : level->messages.find(ordinal);
}

std::optional<Message> MessageLevels::erase(MessageId id) {
  std::optional<Message> found = top_.messages.erase(id);
  for (auto it = rest_.begin(); !found && it != rest_.end(); ++it)
    found = it->second.messages.erase(id);
  if (!found) return found;
  --size_;
  octets_ -= found->size;
  dated_ -= found->deadline ? 1 : 0;
  return found;
}

void MessageLevels::read(Ordinal from, std::size_t limit, std::vector<Message>& out) const {
  const Level* level = find_level(level_of(from));
  if (level != nullptr) level->messages.read(from, limit, out);
}

// Books anew what the levels hold.
void MessageLevels::count() {
  size_ = octets_ = dated_ = 0;
  for_each_level([this](LevelNumber, const Level& level) {
    size_ += level.messages.size();
    octets_ += level.messages.octets();
    level.messages.for_each(Ordinal(0), [this](const Message& message) {
      dated_ += message.deadline ? 1 : 0;
      return true;
    });
  });
}

std::size_t MessageLevels::memory_octets() const {
  std::size_t total = rest_.size() * (sizeof(Level) + 48);
  for_each_level([&](LevelNumber, const Level& level) { total += level.messages.memory_octets(); });
  return total;
}

// Those that were used: how many, then for each its number, its counts from its first ordinal, and
// its messages.
void MessageLevels::encode(ByteWriter& out) const {
  out.varint(1 + rest_.size());
  for_each_level([&](LevelNumber number, const Level& level) {
    const std::uint64_t first = first_of(number).value;
    out.u8(number.value);
    out.varint(level.next.value - first);
    out.varint(level.mark.committed.value - first);
    out.varint(level.mark.redelivered_below.value - first);
    level.messages.encode(out);
  });
}

bool MessageLevels::decode(ByteReader& in) {
  const std::uint64_t levels = in.varint();
  for (std::uint64_t i = 0; i < levels && in.ok(); ++i) {
    const LevelNumber number(in.u8());
    if ((i == 0) != (number == LevelNumber(0)) || rest_.contains(number)) return false;
    Level& level = at(number);
    const Ordinal first = first_of(number);
    level.next = first.next(in.varint());
    level.mark.committed = first.next(in.varint());
    level.mark.redelivered_below = first.next(in.varint());
    if (!level.messages.decode(in)) return false;
    const auto oldest = level.messages.first();
    if (oldest && level_of(oldest->ordinal) != number) return false;
  }
  count();
  return in.ok() && levels > 0;
}

}  // namespace warren::queue
