// LargeBodies: the parts of bodies that go ahead of their messages: of uploads that no message has
// named yet, and of messages that queues still have. Knows where the octets lie, not the octets;
// counts no entries (Machine does). Empty, and then free, where all messages are small. Owned by a
// Machine; pure. docs/decisions/0004-large-bodies.md.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/client_command.h"
#include "broker/queue/content.h"

namespace warren::queue {

struct UploadKey {
  SessionId session;
  UploadId upload;
  auto operator<=>(const UploadKey&) const = default;
};

class LargeBodies {
 public:
  using Parts = std::vector<BodyPart>;

  // --- Uploads.
  void add_part(UploadKey key, const BodyPart& part) { uploads_[key].push_back(part); }
  // Its parts, in order; it is forgotten. None: there is no such upload.
  Parts take_upload(UploadKey key);
  // The same for all of that node's sessions up to this incarnation.
  Parts take_uploads(SessionId through);

  // --- Messages. `queues`: how many have it.
  void keep(MessageId message, Parts parts, std::uint64_t queues);
  // A queue more, as it is restored.
  void refer(MessageId message);
  // A queue less. The parts, when that was the last one.
  Parts release(MessageId message);
  // Null: its body is with it.
  const Parts* parts_of(MessageId message) const;
  bool keeps_any() const { return !kept_.empty(); }

  // visit(const BodyPart&) for each part of anything.
  template <typename Visit>
  void for_each_part(Visit&& visit) const {
    for (const auto& [key, parts] : uploads_)
      for (const BodyPart& part : parts)
        visit(part);
    for (const auto& [message, kept] : kept_)
      for (const BodyPart& part : kept.parts)
        visit(part);
  }
  // visit(MessageId, queues) for each message.
  template <typename Visit>
  void for_each_message(Visit&& visit) const {
    for (const auto& [message, kept] : kept_)
      visit(message, kept.queues);
  }
  std::uint64_t upload_count() const { return uploads_.size(); }
  std::size_t memory_octets() const;

  // Without the counts of queues, which restored queues make again.
  void encode(ByteWriter& out) const;
  // Into an empty object. False: malformed.
  bool decode(ByteReader& in);

 private:
  struct Kept {
    Parts parts;
    std::uint64_t queues = 0;
  };

  std::map<UploadKey, Parts> uploads_;
  std::map<MessageId, Kept> kept_;
};

}  // namespace warren::queue
