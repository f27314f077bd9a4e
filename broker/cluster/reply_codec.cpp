#include "broker/cluster/reply_codec.h"

#include <memory>

namespace warren::cluster {

proto::DirectReplies encode_replies(const std::vector<DirectReply>& replies) {
  proto::DirectReplies message;
  for (const DirectReply& reply : replies) {
    proto::DirectReply& wire = *message.add_reply();
    wire.set_incarnation(reply.to.life.incarnation.value);
    wire.set_channel(reply.to.channel);
    wire.set_secret(reply.to.secret);
    wire.set_asks(!reply.content);
    if (!reply.content) continue;
    wire.set_routing_key(std::string(reply.content->routing_key));
    wire.set_properties(std::string(reply.content->properties));
    wire.set_body(std::string(reply.content->body));
  }
  return message;
}

std::vector<DirectReply> decode_replies(const proto::DirectReplies& message) {
  // gRPC's own copy ends with the call.
  auto kept = std::make_shared<const proto::DirectReplies>(message);
  std::vector<DirectReply> replies;
  replies.reserve(static_cast<std::size_t>(kept->reply_size()));
  for (const proto::DirectReply& wire : kept->reply()) {
    DirectReply& reply = replies.emplace_back();
    reply.to = {{NodeId(), Incarnation(wire.incarnation())}, wire.channel(), wire.secret()};
    if (!wire.asks())
      reply.content = queue::Content{kept, {}, wire.routing_key(), wire.properties(), wire.body()};
  }
  return replies;
}

}  // namespace warren::cluster
