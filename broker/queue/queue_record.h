// The replicated state of one queue. Changed only by Machine; read by the dispatcher and tests.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/delayed_messages.h"
#include "broker/queue/message_levels.h"
#include "broker/queue/settings.h"
#include "broker/queue/stream_book.h"

namespace warren::queue {

// That a session may have been handed something of the queue.
struct Touch {
  SessionId session;
  // It was away for too long: what it was handed by checkouts up to here may be somebody else's by
  // now. None: it was not.
  CheckoutId lapsed;
  auto operator<=>(const Touch&) const = default;
};

struct QueueRecord {
  QueueId id;
  Settings settings;
  bool sealed = false;    // takes no more messages, has no consumers; its catalog entry is going
  bool consumed = false;  // auto_delete: has had a consumer, and goes with its last one
  std::vector<Touch> touched;               // sorted by session
  std::map<Ordinal, std::uint32_t> failed;  // failed deliveries, where above 0
  // Of those that came back and are to wait: until when. It may be over by now.
  std::map<Ordinal, Stamp> retries;
  MessageLevels messages;
  DelayedMessages delayed;
  DuplicateWindow duplicates;
  std::unique_ptr<StreamBook> stream;  // where settings.stream says so, and only there

  // By x-max-priority or x-queue-type, which never change.
  LevelNumber level(std::optional<std::uint8_t> priority) const {
    return level_for(priority, settings);
  }

  void encode(ByteWriter& out) const;
  // False: malformed.
  bool decode(ByteReader& in);
};

}  // namespace warren::queue
