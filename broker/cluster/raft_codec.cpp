#include "broker/cluster/raft_codec.h"

#include <memory>
#include <string>
#include <utility>

namespace warren::cluster {

void encode(const raft::MemberId& member, proto::Member& out) {
  out.set_node(member.node);
  out.set_disk(member.disk);
  out.set_assigned(member.assigned);
}

raft::MemberId decode(const proto::Member& in) {
  return raft::MemberId{in.node(), in.disk(), in.assigned()};
}

void encode(const raft::Entry& entry, proto::RaftEntry& out) {
  out.set_term(entry.term.value);
  out.set_index(entry.index.value);
  out.set_kind(static_cast<std::uint32_t>(entry.kind));
  if (entry.data) out.set_data(*entry.data);
}

raft::Entry decode(proto::RaftEntry& in) {
  raft::Entry entry;
  entry.term = raft::Term(in.term());
  entry.index = raft::Index(in.index());
  entry.kind = static_cast<raft::EntryKind>(in.kind());
  if (!in.data().empty())
    entry.data = std::make_shared<const std::string>(std::move(*in.mutable_data()));
  return entry;
}

void encode(const raft::Message& message, proto::RaftMessage& out) {
  out.set_kind(static_cast<std::uint32_t>(message.kind));
  out.set_group(message.group.value);
  encode(message.from, *out.mutable_from());
  encode(message.to, *out.mutable_to());
  out.set_term(message.term.value);
  out.set_index(message.index.value);
  out.set_log_term(message.log_term.value);
  out.set_commit(message.commit.value);
  out.set_hint(message.hint.value);
  out.set_reject(message.reject);
  out.set_transfer(message.transfer);
  out.set_abstain(message.abstain);
  out.set_release(message.release);
  out.set_binding(message.binding);
  out.set_round(message.round);
  out.set_stamp_ms(message.stamp_ms);
  out.set_stamp_guessed(message.stamp_guessed);
  for (const raft::Entry& entry : message.entries)
    encode(entry, *out.add_entries());
}

std::optional<raft::Message> decode(proto::RaftMessage& in) {
  if (in.kind() > static_cast<std::uint32_t>(raft::MessageKind::tail_answer)) return std::nullopt;
  raft::Message message;
  message.kind = static_cast<raft::MessageKind>(in.kind());
  message.group = raft::GroupId(in.group());
  message.from = decode(in.from());
  message.to = decode(in.to());
  message.term = raft::Term(in.term());
  message.index = raft::Index(in.index());
  message.log_term = raft::Term(in.log_term());
  message.commit = raft::Index(in.commit());
  message.hint = raft::Index(in.hint());
  message.reject = in.reject();
  message.transfer = in.transfer();
  message.abstain = in.abstain();
  message.release = in.release();
  message.binding = in.binding();
  message.round = in.round();
  message.stamp_ms = in.stamp_ms();
  message.stamp_guessed = in.stamp_guessed();
  message.entries.reserve(static_cast<std::size_t>(in.entries_size()));
  for (proto::RaftEntry& entry : *in.mutable_entries()) {
    if (entry.kind() > static_cast<std::uint32_t>(raft::EntryKind::configuration))
      return std::nullopt;
    message.entries.push_back(decode(entry));
  }
  return message;
}

}  // namespace warren::cluster
