// Session messages to and from their wire form (proto/cluster.proto, SessionFrame). Pure.
#pragma once

#include <optional>

#include "broker/base/ids.h"
#include "broker/session/messages.h"
#include "proto/cluster.pb.h"

namespace warren::cluster {

void encode(GroupId group, const session::ToHost& message, proto::SessionFrame& out);
void encode(GroupId group, const session::ToClient& message, proto::SessionFrame& out);

// Take the payloads out of `in`. Nothing: an unknown kind, from a newer version.
std::optional<session::ToHost> decode_to_host(proto::SessionFrame& in);
std::optional<session::ToClient> decode_to_client(proto::SessionFrame& in);

}  // namespace warren::cluster
