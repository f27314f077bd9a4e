#include "broker/replica/stream_codec.h"

#include "broker/base/codec.h"

namespace warren::replica {
namespace {

constexpr std::uint8_t stream_version = 3;

// What a delivery is, in one octet.
constexpr std::uint8_t redelivered_flag = 1;
constexpr std::uint8_t parts_flag = 2;
constexpr std::uint8_t offset_flag = 4;
constexpr std::uint8_t dead_letter_flag = 8;

std::unexpected<Error> malformed() {
  return fail(ReplyCode::internal_error, "malformed stream message");
}

class Writer : public ByteWriter {
 public:
  explicit Writer(std::size_t kind = 0) {
    u8(stream_version);
    u8(static_cast<std::uint8_t>(kind));
  }
  template <typename Tag, typename Integer>
  void id(Strong<Tag, Integer> v) {
    varint(v.value);
  }
  void held(const queue::Held& h) {
    id(h.message.entry);
    id(h.message.slot);
    id(h.checkout.term);
    varint(h.checkout.counter);
  }
  void helds(const std::vector<queue::Held>& list) {
    varint(list.size());
    for (const auto& h : list)
      held(h);
  }
  void error(const std::optional<Error>& e) {
    boolean(e.has_value());
    if (!e) return;
    varint(static_cast<std::uint16_t>(e->code));
    string(e->text);
  }
  void consumer(const queue::Consumer& c) {
    id(c.number);
    id(c.queue);
    string(c.tag);
    varint(c.channel);
    varint(c.prefetch);
    boolean(c.no_ack);
    boolean(c.exclusive);
    zigzag(c.priority);
    boolean(c.reading.has_value());
    if (c.reading) reading(*c.reading);
  }
  void reading(const queue::StreamReading& r) {
    u8(static_cast<std::uint8_t>(r.from));
    varint(r.at);
    boolean(r.tracked);
    varint(r.filters.size());
    for (const std::string& filter : r.filters)
      string(filter);
    boolean(r.match_unfiltered);
  }
  void stream_claim(const queue::StreamClaim& c) {
    id(c.next);
    varint(c.unacknowledged);
    varint(c.acknowledged);
    id(c.read_through);
    boolean(c.begun);
  }
  void parts(const std::vector<queue::BodyPart>& list) {
    varint(list.size());
    for (const queue::BodyPart& part : list) {
      id(part.at.entry);
      id(part.at.slot);
      varint(part.size);
    }
  }
  void delivery(const queue::Delivery& d) {
    id(d.consumer);
    id(d.queue);
    held(d.held);
    id(d.entry_term);
    u8(static_cast<std::uint8_t>((d.redelivered ? redelivered_flag : 0) |
                                 (d.parts.empty() ? 0 : parts_flag) | (d.offset ? offset_flag : 0) |
                                 (d.content.dead_letter ? dead_letter_flag : 0)));
    varint(d.delivery_count);
    if (d.offset) id(*d.offset), varint(d.number);
    if (!d.parts.empty()) parts(d.parts);
    string(d.content.exchange);
    string(d.content.routing_key);
    string(d.content.properties);
    string(d.content.body);
  }
  Bytes finish() { return Bytes(take()); }
};

class Reader : public ByteReader {
 public:
  explicit Reader(const Bytes& payload) : ByteReader(payload.view()), payload_(payload) {
    bad_version_ = u8() != stream_version;
    kind_ = u8();
  }
  std::uint8_t kind() const { return kind_; }
  bool good() const { return !bad_version_ && ok() && at_end(); }
  // Of a list whose items are at least one octet each.
  std::uint64_t count() {
    std::uint64_t n = varint();
    if (n <= remaining()) return n;
    (void)raw(n);  // marks the input as bad
    return 0;
  }

  template <typename Id>
  Id id() {
    return Id(static_cast<typename Id::integer_type>(varint()));
  }
  queue::Held held() {
    queue::Held h;
    h.message.entry = id<EntryIndex>();
    h.message.slot = id<Slot>();
    h.checkout.term = id<Term>();
    h.checkout.counter = varint();
    return h;
  }
  std::vector<queue::Held> helds() {
    std::vector<queue::Held> list;
    std::uint64_t n = count();
    for (std::uint64_t i = 0; i < n && ok(); ++i)
      list.push_back(held());
    return list;
  }
  std::optional<Error> error() {
    if (!boolean()) return std::nullopt;
    Error e;
    e.code = static_cast<ReplyCode>(varint());
    e.text = string();
    return e;
  }
  queue::Consumer consumer() {
    queue::Consumer c;
    c.number = id<ConsumerNumber>();
    c.queue = id<QueueId>();
    c.tag = string();
    c.channel = varint();
    c.prefetch = static_cast<std::uint32_t>(varint());
    c.no_ack = boolean();
    c.exclusive = boolean();
    c.priority = static_cast<std::int32_t>(zigzag());
    if (boolean()) c.reading = reading();
    return c;
  }
  queue::StreamReading reading() {
    queue::StreamReading r;
    r.from = static_cast<queue::StreamPoint>(u8());
    r.at = varint();
    r.tracked = boolean();
    std::uint64_t n = count();
    for (std::uint64_t i = 0; i < n && ok(); ++i)
      r.filters.emplace_back(string());
    r.match_unfiltered = boolean();
    if (r.from > queue::StreamPoint::time) (void)raw(remaining() + 1);  // marks it as bad
    return r;
  }
  queue::StreamClaim stream_claim() {
    queue::StreamClaim c;
    c.next = id<Ordinal>();
    c.unacknowledged = varint();
    c.acknowledged = varint();
    c.read_through = id<Ordinal>();
    c.begun = boolean();
    return c;
  }
  Bytes octets() { return Bytes(payload_.owner(), string()); }
  std::vector<queue::BodyPart> parts() {
    std::vector<queue::BodyPart> list;
    std::uint64_t n = count();
    for (std::uint64_t i = 0; i < n && ok(); ++i) {
      queue::BodyPart part;
      part.at.entry = id<EntryIndex>();
      part.at.slot = id<Slot>();
      part.size = static_cast<std::uint32_t>(varint());
      list.push_back(part);
    }
    return list;
  }
  queue::Delivery delivery() {
    queue::Delivery d;
    d.consumer = id<ConsumerNumber>();
    d.queue = id<QueueId>();
    d.held = held();
    d.entry_term = id<Term>();
    const std::uint8_t flags = u8();
    d.redelivered = (flags & redelivered_flag) != 0;
    d.delivery_count = static_cast<std::uint32_t>(varint());
    if ((flags & offset_flag) != 0) {
      d.offset = id<Ordinal>();
      d.number = varint();
    }
    if ((flags & parts_flag) != 0) d.parts = parts();
    d.content.owner = payload_.owner();
    d.content.exchange = string();
    d.content.routing_key = string();
    d.content.properties = string();
    d.content.body = string();
    d.content.dead_letter = (flags & dead_letter_flag) != 0;
    return d;
  }

 private:
  const Bytes& payload_;
  bool bad_version_ = false;
  std::uint8_t kind_ = 0;
};

void put(Writer& out, const ConsumeRequest& r) {
  out.id(r.catalog_index), out.consumer(r.consumer);
}
void put(Writer& out, const CancelRequest& r) {
  out.id(r.number);
}
void put(Writer& out, const FetchRequest& r) {
  out.id(r.catalog_index);
  out.varint(r.get.origin.channel);
  out.varint(r.get.origin.tag);
  out.id(r.get.queue);
  out.boolean(r.get.no_ack);
}
void put(Writer& out, const CountsRequest& r) {
  out.id(r.catalog_index), out.id(r.queue);
}
void put(Writer& out, const PartRequest& r) {
  out.id(r.part.entry), out.id(r.part.slot);
}
void put(Writer& out, const TakenRequest& r) {
  out.id(r.number), out.varint(r.messages);
}
void put(Writer& out, const ReadRequest& r) {
  out.id(r.number), out.varint(r.acknowledged), out.id(r.through);
  out.boolean(r.cancelled.has_value());
  if (r.cancelled) out.consumer(*r.cancelled);
}
void put(Writer& out, const BrowseRequest& r) {
  out.id(r.catalog_index), out.id(r.queue), out.id(r.from);
}
void put(Writer& out, const PrefetchRequest& r) {
  out.id(r.number), out.varint(r.prefetch);
}
void put(Writer& out, const queue::ConsumeReply& r) {
  out.id(r.number), out.error(r.error);
  out.boolean(r.next.has_value());
  if (r.next) out.id(*r.next);
}
void put(Writer&, const CancelReply&) {}
void put(Writer& out, const queue::GetReply& r) {
  out.varint(r.origin.channel);
  out.varint(r.origin.tag);
  out.boolean(r.delivery.has_value());
  if (r.delivery) out.delivery(*r.delivery);
  out.varint(r.ready_left);
  out.error(r.error);
}
void put(Writer& out, const CountsReply& r) {
  out.id(r.counts.queue);
  out.varint(r.counts.ready);
  out.varint(r.counts.unacknowledged);
  out.varint(r.counts.consumers);
  out.varint(r.counts.ready_bytes);
  out.error(r.error);
}
void put(Writer& out, const PartReply& r) {
  out.boolean(r.octets.has_value());
  if (r.octets) out.string(r.octets->view());
}
void put(Writer& out, const BrowseReply& r) {
  out.varint(r.page.messages.size());
  for (const auto& d : r.page.messages)
    out.delivery(d);
  out.id(r.page.next), out.id(r.page.end);
  out.error(r.error);
}
void put(Writer& out, const Deliveries& e) {
  out.varint(e.deliveries.size());
  for (const auto& d : e.deliveries)
    out.delivery(d);
}
void put(Writer& out, const queue::ConsumerCancelled& e) {
  out.id(e.number);
}

void get(Reader& in, ConsumeRequest& r) {
  r.catalog_index = in.id<CatalogIndex>();
  r.consumer = in.consumer();
}
void get(Reader& in, CancelRequest& r) {
  r.number = in.id<ConsumerNumber>();
}
void get(Reader& in, FetchRequest& r) {
  r.catalog_index = in.id<CatalogIndex>();
  r.get.origin.channel = in.varint();
  r.get.origin.tag = in.varint();
  r.get.queue = in.id<QueueId>();
  r.get.no_ack = in.boolean();
}
void get(Reader& in, CountsRequest& r) {
  r.catalog_index = in.id<CatalogIndex>();
  r.queue = in.id<QueueId>();
}
void get(Reader& in, PartRequest& r) {
  r.part.entry = in.id<EntryIndex>();
  r.part.slot = in.id<Slot>();
}
void get(Reader& in, TakenRequest& r) {
  r.number = in.id<ConsumerNumber>();
  r.messages = in.varint();
}
void get(Reader& in, ReadRequest& r) {
  r.number = in.id<ConsumerNumber>();
  r.acknowledged = in.varint();
  r.through = in.id<Ordinal>();
  if (in.boolean()) r.cancelled = in.consumer();
}
void get(Reader& in, BrowseRequest& r) {
  r.catalog_index = in.id<CatalogIndex>();
  r.queue = in.id<QueueId>();
  r.from = in.id<Ordinal>();
}
void get(Reader& in, PrefetchRequest& r) {
  r.number = in.id<ConsumerNumber>();
  r.prefetch = static_cast<std::uint32_t>(in.varint());
}
void get(Reader& in, queue::ConsumeReply& r) {
  r.number = in.id<ConsumerNumber>();
  r.error = in.error();
  if (in.boolean()) r.next = in.id<Ordinal>();
}
void get(Reader&, CancelReply&) {}
void get(Reader& in, queue::GetReply& r) {
  r.origin.channel = in.varint();
  r.origin.tag = in.varint();
  if (in.boolean()) r.delivery = in.delivery();
  r.ready_left = in.varint();
  r.error = in.error();
}
void get(Reader& in, CountsReply& r) {
  r.counts.queue = in.id<QueueId>();
  r.counts.ready = in.varint();
  r.counts.unacknowledged = in.varint();
  r.counts.consumers = in.varint();
  r.counts.ready_bytes = in.varint();
  r.error = in.error();
}
void get(Reader& in, PartReply& r) {
  if (in.boolean()) r.octets = in.octets();
}
void get(Reader& in, BrowseReply& r) {
  std::uint64_t n = in.count();
  for (std::uint64_t i = 0; i < n && in.ok(); ++i)
    r.page.messages.push_back(in.delivery());
  r.page.next = in.id<Ordinal>();
  r.page.end = in.id<Ordinal>();
  r.error = in.error();
}
void get(Reader& in, Deliveries& e) {
  std::uint64_t n = in.count();
  for (std::uint64_t i = 0; i < n && in.ok(); ++i)
    e.deliveries.push_back(in.delivery());
}
void get(Reader& in, queue::ConsumerCancelled& e) {
  e.number = in.id<ConsumerNumber>();
}

template <typename Variant>
Bytes encode(const Variant& v) {
  Writer out(v.index());
  std::visit([&](const auto& item) { put(out, item); }, v);
  return out.finish();
}

template <typename Variant, std::size_t I = 0>
Result<Variant> decode(Reader& in) {
  if constexpr (I == std::variant_size_v<Variant>) {
    return malformed();
  } else {
    if (in.kind() != I) return decode<Variant, I + 1>(in);
    Variant v(std::in_place_index<I>);
    get(in, std::get<I>(v));
    if (!in.good()) return malformed();
    return v;
  }
}

}  // namespace

Bytes encode_claims(std::span<const queue::Claim> claims) {
  Writer out;
  out.varint(claims.size());
  for (const queue::Claim& claim : claims) {
    out.consumer(claim.consumer);
    out.id(claim.queue);
    out.boolean(claim.cancelled);
    out.helds(claim.held);
    out.boolean(claim.reading.has_value());
    if (claim.reading) out.stream_claim(*claim.reading);
  }
  return out.finish();
}

Result<std::vector<queue::Claim>> decode_claims(const Bytes& payload) {
  Reader in(payload);
  std::vector<queue::Claim> claims;
  std::uint64_t n = in.count();
  for (std::uint64_t i = 0; i < n && in.ok(); ++i) {
    queue::Claim& claim = claims.emplace_back();
    claim.consumer = in.consumer();
    claim.queue = in.id<QueueId>();
    claim.cancelled = in.boolean();
    claim.held = in.helds();
    if (in.boolean()) claim.reading = in.stream_claim();
  }
  if (!in.good()) return malformed();
  return claims;
}

Bytes encode_claim_reply(const queue::ClaimReply& reply) {
  Writer out;
  out.varint(reply.renewed.size());
  for (const auto& r : reply.renewed) {
    out.held({r.message, r.before});
    out.id(r.now.term);
    out.varint(r.now.counter);
  }
  out.helds(reply.refused);
  out.varint(reply.cancelled.size());
  for (ConsumerNumber number : reply.cancelled)
    out.id(number);
  return out.finish();
}

Result<queue::ClaimReply> decode_claim_reply(const Bytes& payload) {
  Reader in(payload);
  queue::ClaimReply reply;
  std::uint64_t n = in.count();
  for (std::uint64_t i = 0; i < n && in.ok(); ++i) {
    queue::Held held = in.held();
    CheckoutId now;
    now.term = in.id<Term>();
    now.counter = in.varint();
    reply.renewed.push_back({held.message, held.checkout, now});
  }
  reply.refused = in.helds();
  n = in.count();
  for (std::uint64_t i = 0; i < n && in.ok(); ++i)
    reply.cancelled.push_back(in.id<ConsumerNumber>());
  if (!in.good()) return malformed();
  return reply;
}

Bytes encode_request(const StreamRequest& request) {
  return encode(request);
}
Result<StreamRequest> decode_request(const Bytes& payload) {
  Reader in(payload);
  return decode<StreamRequest>(in);
}
Bytes encode_reply(const StreamReply& reply) {
  return encode(reply);
}
Result<StreamReply> decode_reply(const Bytes& payload) {
  Reader in(payload);
  return decode<StreamReply>(in);
}
Bytes encode_event(const StreamEvent& event) {
  return encode(event);
}
Result<StreamEvent> decode_event(const Bytes& payload) {
  Reader in(payload);
  return decode<StreamEvent>(in);
}

}  // namespace warren::replica
