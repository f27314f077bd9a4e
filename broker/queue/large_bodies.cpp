#include "broker/queue/large_bodies.h"

#include <utility>

#include "broker/base/check.h"

namespace warren::queue {

namespace {

void encode_parts(const LargeBodies::Parts& parts, ByteWriter& out) {
  out.varint(parts.size());
  EntryIndex before;
  for (const BodyPart& part : parts) {
    out.varint(part.at.entry.value - before.value);
    out.varint(part.at.slot.value);
    out.varint(part.size);
    before = part.at.entry;
  }
}

bool decode_parts(ByteReader& in, LargeBodies::Parts& parts) {
  std::uint64_t count = in.varint();
  EntryIndex entry;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    entry.value += in.varint();
    Slot slot(static_cast<std::uint32_t>(in.varint()));
    parts.push_back({{entry, slot}, static_cast<std::uint32_t>(in.varint())});
  }
  return in.ok() && count > 0;
}

}  // namespace

LargeBodies::Parts LargeBodies::take_upload(UploadKey key) {
  auto upload = uploads_.extract(key);
  return upload.empty() ? Parts() : std::move(upload.mapped());
}

LargeBodies::Parts LargeBodies::take_uploads(SessionId through) {
  Parts all;
  auto from = uploads_.lower_bound({{through.node, Incarnation(0)}, UploadId(0)});
  while (from != uploads_.end() && from->first.session <= through) {
    all.insert(all.end(), from->second.begin(), from->second.end());
    from = uploads_.erase(from);
  }
  return all;
}

void LargeBodies::keep(MessageId message, Parts parts, std::uint64_t queues) {
  CHECK(queues > 0 && !parts.empty(), "{} parts in {} queues", parts.size(), queues);
  bool fresh = kept_.try_emplace(message, Kept{std::move(parts), queues}).second;
  CHECK(fresh, "message {}.{} has parts already", message.entry, message.slot);
}

void LargeBodies::refer(MessageId message) {
  if (auto kept = kept_.find(message); kept != kept_.end()) ++kept->second.queues;
}

LargeBodies::Parts LargeBodies::release(MessageId message) {
  auto kept = kept_.find(message);
  if (kept == kept_.end() || --kept->second.queues > 0) return {};
  Parts parts = std::move(kept->second.parts);
  kept_.erase(kept);
  return parts;
}

const LargeBodies::Parts* LargeBodies::parts_of(MessageId message) const {
  auto kept = kept_.find(message);
  return kept == kept_.end() ? nullptr : &kept->second.parts;
}

std::size_t LargeBodies::memory_octets() const {
  constexpr std::size_t node = 96;  // a map's node with its vector, estimated
  std::size_t parts = 0;
  for_each_part([&parts](const BodyPart&) { ++parts; });
  return (uploads_.size() + kept_.size()) * node + parts * sizeof(BodyPart);
}

void LargeBodies::encode(ByteWriter& out) const {
  out.varint(uploads_.size());
  for (const auto& [key, parts] : uploads_) {
    out.varint(key.session.node.value);
    out.varint(key.session.incarnation.value);
    out.varint(key.upload.value);
    encode_parts(parts, out);
  }
  out.varint(kept_.size());
  for (const auto& [message, kept] : kept_) {
    out.varint(message.entry.value);
    out.varint(message.slot.value);
    encode_parts(kept.parts, out);
  }
}

bool LargeBodies::decode(ByteReader& in) {
  CHECK(uploads_.empty() && kept_.empty(), "decoding over {} messages", kept_.size());
  std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    UploadKey key;
    key.session.node = NodeId(static_cast<std::uint32_t>(in.varint()));
    key.session.incarnation = Incarnation(in.varint());
    key.upload = UploadId(in.varint());
    if (!decode_parts(in, uploads_[key])) return false;
  }
  if (uploads_.size() != count) return false;
  count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    EntryIndex entry(in.varint());
    Slot slot(static_cast<std::uint32_t>(in.varint()));
    if (!decode_parts(in, kept_[{entry, slot}].parts)) return false;
  }
  return in.ok() && kept_.size() == count;
}

}  // namespace warren::queue
