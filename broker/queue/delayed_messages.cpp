// A block: the messages as message_packing.h writes them, with the time when they are due for a
// deadline; then, unless all of them have neither, for each its level (u8) and its time to live
// plus one, or 0 (varint).
#include "broker/queue/delayed_messages.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/queue/message_packing.h"

namespace warren::queue {

std::string DelayedTraits::pack(std::span<const DelayedMessage> messages) {
  ByteWriter out;
  MessagePacker packer(out);
  for (const DelayedMessage& m : messages)
    packer.add({Ordinal(), m.id, m.size, m.properties, m.due});
  packer.finish();
  const bool plain = std::ranges::all_of(
      messages, [](const DelayedMessage& m) { return m.level == LevelNumber() && !m.ttl_ms; });
  if (plain) return out.take();
  for (const DelayedMessage& m : messages) {
    out.u8(m.level.value);
    out.varint(m.ttl_ms ? *m.ttl_ms + 1 : 0);
  }
  return out.take();
}

bool DelayedTraits::unpack(std::string_view octets, std::span<DelayedMessage> out) {
  ByteReader in(octets);
  MessageUnpacker unpacker(in);
  Message message;
  for (DelayedMessage& m : out) {
    if (!unpacker.next(message)) return false;
    m = {message.deadline, message.id, message.size, message.properties, {}, {}};
  }
  if (in.at_end()) return in.ok();
  for (DelayedMessage& m : out) {
    m.level = LevelNumber(in.u8());
    if (const std::uint64_t ttl = in.varint(); ttl > 0) m.ttl_ms = ttl - 1;
  }
  return in.ok() && in.at_end();
}

void DelayedMessages::add(const DelayedMessage& message) {
  CHECK(messages_.insert(message), "message {}.{} is delayed twice", message.id.entry,
        message.id.slot);
  octets_ += message.size;
}

void DelayedMessages::clear() {
  messages_.clear();
  octets_ = 0;
}

bool DelayedMessages::decode(ByteReader& in) {
  if (!messages_.decode(in)) return false;
  for_each([this](const DelayedMessage& message) { octets_ += message.size; });
  return true;
}

}  // namespace warren::queue
