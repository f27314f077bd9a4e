// raft::Message to and from its wire form (proto/raft.proto). Pure: any thread.
#pragma once

#include <optional>
#include <vector>

#include "proto/raft.pb.h"
#include "raft/message.h"

namespace warren::cluster {

void encode(const raft::Message& message, proto::RaftMessage& out);
// Takes the payloads out of `in`. Nothing: an unknown kind, from a newer version.
std::optional<raft::Message> decode(proto::RaftMessage& in);

void encode(const raft::MemberId& member, proto::Member& out);
raft::MemberId decode(const proto::Member& in);

void encode(const raft::Entry& entry, proto::RaftEntry& out);
raft::Entry decode(proto::RaftEntry& in);

}  // namespace warren::cluster
