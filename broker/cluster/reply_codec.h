// Direct replies as the cluster's protocol has them. Pure: any thread.
#pragma once

#include <vector>

#include "broker/cluster/direct_reply.h"
#include "proto/cluster.pb.h"

namespace warren::cluster {

proto::DirectReplies encode_replies(const std::vector<DirectReply>& replies);
// For channels of this node, whose number the message does not say. The contents share one buffer.
std::vector<DirectReply> decode_replies(const proto::DirectReplies& message);

}  // namespace warren::cluster
