// DeadLetters: the messages of a group that died in a queue with a dead-letter exchange, until they
// are where they go to. A queue's stay when it is deleted. Owned by a Machine, which keeps what
// they name alive; pure. docs/decisions/0008-dead-letters.md, Features §1.C.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/settings.h"

namespace warren::queue {

// Why a message went without having been acknowledged. Names as in x-death (Features §1.C).
enum class DeathReason : std::uint8_t { rejected = 0, expired = 1, maxlen = 2, delivery_limit = 3 };

std::string_view name_of(DeathReason reason);

// In a group, from 1, never used again.
using DeadLetterNumber = Strong<struct DeadLetterNumberTag, std::uint64_t>;

struct DeadLetter {
  DeadLetterNumber number;
  MessageId message;
  Stamp died;  // of the entry
  DeathReason reason = DeathReason::rejected;
  std::uint32_t size = 0;  // octets of the body
  bool operator==(const DeadLetter&) const = default;
};

class DeadLetters {
 public:
  struct Source {
    DeadLettering route;
    std::deque<DeadLetter> letters;  // by number; those that are done have no message
    std::uint64_t waiting = 0;       // of them, not done
    std::uint64_t octets = 0;        // of their bodies
  };

  // `letter` gets its number.
  void add(QueueId queue, const DeadLettering& route, DeadLetter letter);
  // It is done. Its message; nothing: it was done before.
  std::optional<MessageId> finish(QueueId queue, DeadLetterNumber number);

  // The queue is gone: nothing of it waits for a way that is not there.
  void release_source(QueueId queue);

  // The first that is not done, from that number on. Valid until the next change.
  const DeadLetter* next(QueueId queue, DeadLetterNumber from) const;
  // Null: it has none. Valid until its last letter is done.
  const Source* find(QueueId queue) const;
  bool empty() const { return sources_.empty(); }
  std::uint64_t size() const { return size_; }

  // visit(QueueId, const DeadLettering&) for each queue that has some.
  template <typename Visit>
  void for_each_queue(Visit&& visit) const {
    for (const auto& [queue, source] : sources_)
      visit(queue, source.route);
  }
  // visit(const DeadLetter&) for each that is not done.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [queue, source] : sources_)
      for (const DeadLetter& letter : source.letters)
        if (letter.message.entry) visit(letter);
  }

  std::size_t memory_octets() const;
  void encode(ByteWriter& out) const;
  // Into an empty object. False: malformed.
  bool decode(ByteReader& in);

 private:
  static void forget_done(std::deque<DeadLetter>& letters, std::uint64_t waiting);
  bool decode_source(ByteReader& in);

  DeadLetterNumber last_;
  std::uint64_t size_ = 0;
  std::map<QueueId, Source> sources_;
};

}  // namespace warren::queue
