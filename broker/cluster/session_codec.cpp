#include "broker/cluster/session_codec.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace warren::cluster {

namespace {

using namespace session;

// The place of an alternative in its variant, from 1: what `kind` says on the wire.
template <typename Variant>
std::uint32_t kind_of(const Variant& body) {
  return static_cast<std::uint32_t>(body.index() + 1);
}

template <typename Message>
void encode_envelope(GroupId group, const Message& message, proto::SessionFrame& out) {
  out.set_group(group.value);
  out.set_kind(kind_of(message.body));
  out.set_node(message.session.node.value);
  out.set_incarnation(message.session.incarnation.value);
  out.set_epoch(message.epoch.value);
}

template <typename Message>
void decode_envelope(const proto::SessionFrame& in, Message& message) {
  message.session = {NodeId(in.node()), Incarnation(in.incarnation())};
  message.epoch = StreamEpoch(in.epoch());
}

void set_payload(const Bytes& payload, proto::SessionFrame& out) {
  out.set_payload(payload.data(), payload.size());
}
Bytes take_payload(proto::SessionFrame& in) {
  return Bytes(std::move(*in.mutable_payload()));
}

void set_outcomes(const std::vector<BatchOutcome>& outcomes, proto::SessionFrame& out) {
  for (const BatchOutcome& outcome : outcomes) {
    proto::BatchOutcome* wire = out.add_outcomes();
    wire->set_number(outcome.number.value);
    wire->set_octets(outcome.octets);
  }
}
std::vector<BatchOutcome> take_outcomes(proto::SessionFrame& in) {
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(static_cast<std::size_t>(in.outcomes_size()));
  for (proto::BatchOutcome& wire : *in.mutable_outcomes())
    outcomes.push_back({BatchNumber(wire.number()), std::move(*wire.mutable_octets())});
  return outcomes;
}

struct BodyEncoder {
  proto::SessionFrame& out;

  void operator()(const Open& body) const {
    out.set_number(body.released.value);
    out.set_other(body.host.value);
  }
  void operator()(const Batch& body) const {
    out.set_number(body.number.value);
    out.set_other(body.released.value);
    set_payload(body.payload, out);
  }
  void operator()(const Attach& body) const {
    out.set_number(body.after.value);
    set_payload(body.claims, out);
  }
  void operator()(const Request& body) const {
    out.set_number(body.id.value);
    out.set_other(body.after.value);
    set_payload(body.payload, out);
  }
  void operator()(const Opened& body) const {
    out.set_number(body.applied.value);
    out.set_other(body.expected.value);
    out.set_term(body.term.value);
  }
  void operator()(const Outcomes& body) const { set_outcomes(body.outcomes, out); }
  void operator()(const Rewind& body) const { out.set_number(body.expected.value); }
  void operator()(const AttachReply& body) const { set_payload(body.payload, out); }
  void operator()(const Reply& body) const {
    out.set_number(body.id.value);
    set_payload(body.payload, out);
  }
  void operator()(const Event& body) const { set_payload(body.payload, out); }
  void operator()(const NotLeader& body) const { out.set_number(body.hint.value); }
  void operator()(const Ended& body) const {
    out.set_number(body.last.value);
    set_outcomes(body.outcomes, out);
  }
};

template <typename Body, typename Variant, std::size_t At = 0>
constexpr std::uint32_t kind_named() {
  if constexpr (std::is_same_v<std::variant_alternative_t<At, Variant>, Body>)
    return static_cast<std::uint32_t>(At + 1);
  else
    return kind_named<Body, Variant, At + 1>();
}

}  // namespace

void encode(GroupId group, const ToHost& message, proto::SessionFrame& out) {
  encode_envelope(group, message, out);
  std::visit(BodyEncoder{out}, message.body);
}

void encode(GroupId group, const ToClient& message, proto::SessionFrame& out) {
  encode_envelope(group, message, out);
  std::visit(BodyEncoder{out}, message.body);
}

std::optional<ToHost> decode_to_host(proto::SessionFrame& in) {
  ToHost message;
  decode_envelope(in, message);
  switch (in.kind()) {
    case kind_named<Open, HostBody>():
      message.body = Open{BatchNumber(in.number()), Incarnation(in.other())};
      return message;
    case kind_named<Batch, HostBody>():
      message.body = Batch{BatchNumber(in.number()), BatchNumber(in.other()), take_payload(in)};
      return message;
    case kind_named<Attach, HostBody>():
      message.body = Attach{BatchNumber(in.number()), take_payload(in)};
      return message;
    case kind_named<Request, HostBody>():
      message.body = Request{RequestId(in.number()), BatchNumber(in.other()), take_payload(in)};
      return message;
    default:
      return std::nullopt;
  }
}

std::optional<ToClient> decode_to_client(proto::SessionFrame& in) {
  ToClient message;
  decode_envelope(in, message);
  switch (in.kind()) {
    case kind_named<Opened, ClientBody>():
      message.body = Opened{BatchNumber(in.number()), BatchNumber(in.other()), Term(in.term())};
      return message;
    case kind_named<Outcomes, ClientBody>():
      message.body = Outcomes{take_outcomes(in)};
      return message;
    case kind_named<Rewind, ClientBody>():
      message.body = Rewind{BatchNumber(in.number())};
      return message;
    case kind_named<AttachReply, ClientBody>():
      message.body = AttachReply{take_payload(in)};
      return message;
    case kind_named<Reply, ClientBody>():
      message.body = Reply{RequestId(in.number()), take_payload(in)};
      return message;
    case kind_named<Event, ClientBody>():
      message.body = Event{take_payload(in)};
      return message;
    case kind_named<NotLeader, ClientBody>():
      message.body = NotLeader{NodeId(static_cast<std::uint32_t>(in.number()))};
      return message;
    case kind_named<Ended, ClientBody>():
      message.body = Ended{BatchNumber(in.number()), take_outcomes(in)};
      return message;
    default:
      return std::nullopt;
  }
}

}  // namespace warren::cluster
