#include "broker/queue/queue_record.h"

#include <algorithm>

namespace warren::queue {

namespace {

// Each is written in the lowest that says it all. 4: delayed messages. 5: delayed retries. 6: what
// was taken lately. 7: streams. 8: strict priorities, laid out as 6.
constexpr std::uint8_t plain_version = 3;
constexpr std::uint8_t delayed_version = 4;
constexpr std::uint8_t retries_version = 5;
constexpr std::uint8_t duplicates_version = 6;
constexpr std::uint8_t stream_version = 7;
constexpr std::uint8_t strict_priorities_version = 8;

bool decode_touched(ByteReader& in, std::vector<Touch>& touched) {
  std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    NodeId node(static_cast<std::uint32_t>(in.varint()));
    Touch touch{{node, Incarnation(in.varint())}, {}};
    touch.lapsed.term = Term(in.varint());
    touch.lapsed.counter = in.varint();
    touched.push_back(touch);
  }
  return in.ok() && std::is_sorted(touched.begin(), touched.end());
}

bool decode_failed(ByteReader& in, std::map<Ordinal, std::uint32_t>& failed) {
  std::uint64_t count = in.varint();
  Ordinal ordinal;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    ordinal.value += in.varint();
    failed[ordinal] = static_cast<std::uint32_t>(in.varint());
  }
  return in.ok() && failed.size() == count;
}

void encode_retries(ByteWriter& out, const std::map<Ordinal, Stamp>& retries) {
  out.varint(retries.size());
  Ordinal last;
  Stamp due_before;
  for (auto [ordinal, due] : retries) {
    out.varint(ordinal.value - last.value);
    out.zigzag(static_cast<std::int64_t>(due.value - due_before.value));
    last = ordinal;
    due_before = due;
  }
}

bool decode_retries(ByteReader& in, std::map<Ordinal, Stamp>& retries) {
  const std::uint64_t count = in.varint();
  Ordinal ordinal;
  Stamp due;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    ordinal.value += in.varint();
    due.value += static_cast<std::uint64_t>(in.zigzag());
    retries[ordinal] = due;
  }
  return in.ok() && retries.size() == count;
}

}  // namespace

void QueueRecord::encode(ByteWriter& out) const {
  const std::uint8_t version = stream                       ? stream_version
                               : settings.strict_priorities ? strict_priorities_version
                               : duplicates.size() > 0      ? duplicates_version
                               : !retries.empty()           ? retries_version
                               : !delayed.empty()           ? delayed_version
                                                            : plain_version;
  out.u8(version);
  out.varint(id.value);
  settings.encode(out);
  out.boolean(sealed);
  out.boolean(consumed);
  out.varint(touched.size());
  for (const Touch& touch : touched) {
    out.varint(touch.session.node.value);
    out.varint(touch.session.incarnation.value);
    out.varint(touch.lapsed.term.value);
    out.varint(touch.lapsed.counter);
  }
  out.varint(failed.size());
  Ordinal before;
  for (auto [ordinal, count] : failed) {
    out.varint(ordinal.value - before.value);
    out.varint(count);
    before = ordinal;
  }
  messages.encode(out);
  if (version >= delayed_version) delayed.encode(out);
  if (version >= retries_version) encode_retries(out, retries);
  if (version >= duplicates_version) duplicates.encode(out);
  if (stream) stream->encode(out);
}

bool QueueRecord::decode(ByteReader& in) {
  const std::uint8_t version = in.u8();
  if (version < plain_version || version > strict_priorities_version) return false;
  id = QueueId(in.varint());
  auto read = Settings::decode(in);
  if (!read) return false;
  settings = *read;
  sealed = in.boolean();
  consumed = in.boolean();
  if (!decode_touched(in, touched) || !decode_failed(in, failed)) return false;
  if (!messages.decode(in)) return false;
  if (version >= delayed_version && !delayed.decode(in)) return false;
  if (version >= retries_version && !decode_retries(in, retries)) return false;
  if (version >= duplicates_version && !duplicates.decode(in)) return false;
  if (settings.stream.has_value() != (version == stream_version)) return false;
  if (settings.strict_priorities != (version == strict_priorities_version)) return false;
  if (!settings.stream) return in.ok();
  stream = std::make_unique<StreamBook>();
  return stream->decode(in);
}

}  // namespace warren::queue
