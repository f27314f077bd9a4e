// One queue's unsettled messages by priority: a MessageList for each, served strictly in order of
// levels. Level 0 is the queue's highest priority, so that a queue without priorities has that one
// and nothing else. An ordinal has its level in the top octet: the order of
// ordinals is the order of serving. Owned by a QueueRecord; pure: any thread, one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/message_list.h"
#include "broker/queue/settings.h"

namespace warren::queue {

using LevelNumber = Strong<struct LevelNumberTag, std::uint8_t>;

constexpr unsigned level_shift = 56;
constexpr LevelNumber level_of(Ordinal ordinal) {
  return LevelNumber(static_cast<std::uint8_t>(ordinal.value >> level_shift));
}
constexpr Ordinal first_of(LevelNumber level) {
  return Ordinal(std::uint64_t{level.value} << level_shift);
}
// What is above the queue's highest priority counts as that.
inline LevelNumber level_for(std::optional<std::uint8_t> given, const Settings& settings) {
  const std::uint8_t highest = settings.highest_priority();
  const std::uint8_t priority = settings.priority(given);
  return LevelNumber(static_cast<std::uint8_t>(priority < highest ? highest - priority : 0));
}

// The dispatch mark of one level: counts of messages in the order in which they became ready.
struct Mark {
  Ordinal committed;          // messages below may have been handed out
  Ordinal redelivered_below;  // those that a leader before this term may have handed out
  bool operator==(const Mark&) const = default;
};

struct Level {
  Ordinal next;  // of the next message that it takes
  Mark mark;
  MessageList messages;

  explicit Level(LevelNumber number = LevelNumber()) : next(first_of(number)), mark{next, next} {}
};

class MessageLevels {
 public:
  // Of one that was never used: as if it were there.
  Ordinal next(LevelNumber level) const;
  Mark mark(LevelNumber level) const;
  Level& at(LevelNumber level);
  // The first level at or after that has ever been used, or nothing.
  std::optional<LevelNumber> level_from(unsigned number) const;
  // visit(LevelNumber, const Level&) for each that was used, in order; `top` always counts as used.
  template <typename Visit>
  void for_each_level(Visit&& visit) const {
    visit(LevelNumber(0), top_);
    for (const auto& [number, level] : rest_)
      visit(number, level);
  }
  template <typename Visit>
  void for_each_level(Visit&& visit) {
    visit(LevelNumber(0), top_);
    for (auto& [number, level] : rest_)
      visit(number, level);
  }

  const Level& top() const { return top_; }

  std::uint64_t size() const { return size_; }
  std::uint64_t octets() const { return octets_; }
  std::uint64_t dated() const { return dated_; }  // how many have a deadline
  bool empty() const { return size_ == 0; }

  // At the level's `next`, which it raises, whatever its ordinal says. REQUIRES: id not there.
  void append(LevelNumber level, const Message& message);
  // By id: in each level that was used.
  std::optional<Message> find(MessageId id) const;
  std::optional<Message> find(Ordinal ordinal) const;
  std::optional<Message> erase(MessageId id);
  // Keeps what `keep(const Message&)` wants; calls it for each, in order.
  template <typename Keep>
  void retain(Keep&& keep) {
    for_each_level([&](LevelNumber, Level& level) {
      MessageList kept;
      level.messages.for_each(Ordinal(0), [&](const Message& message) {
        if (keep(message)) kept.append(message);
        return true;
      });
      level.messages = std::move(kept);
    });
    count();
  }
  // Up to `limit` of one level at or after `from`, in order.
  void read(Ordinal from, std::size_t limit, std::vector<Message>& out) const;
  // visit(const Message&) for each in order, until it returns false. Must not change anything.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    bool on = true;
    for_each_level([&](LevelNumber, const Level& level) {
      if (on)
        level.messages.for_each(Ordinal(0),
                                [&](const Message& message) { return on = visit(message); });
    });
  }

  std::size_t memory_octets() const;

  void encode(ByteWriter& out) const;
  // REQUIRES: nothing was ever in it. False: malformed.
  bool decode(ByteReader& in);

 private:
  void count();
  const Level* find_level(LevelNumber level) const;

  Level top_;
  std::map<LevelNumber, Level> rest_;
  std::uint64_t size_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t dated_ = 0;
};

}  // namespace warren::queue
