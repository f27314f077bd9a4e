// Cluster: direct replies, between the doors of this node and to those of others.
#include <algorithm>
#include <atomic>
#include <utility>

#include "broker/cluster/cluster.h"
#include "broker/cluster/reply_codec.h"

namespace warren::cluster {

namespace {

// Of a node that does not answer: what was sent to it is not taken.
constexpr auto reply_timeout = std::chrono::milliseconds(5000);

struct ReplyCall {
  grpc::ClientContext context;
  proto::DirectReplies request;
  proto::DirectRepliesTaken answer;
  std::unique_ptr<proto::Replies::Stub> stub;
};

// A batch whose parts several doors are given; each writes where nobody else does.
struct Delivering {
  std::vector<DirectReply> replies;
  std::vector<char> taken;
  std::atomic<std::size_t> doors_left{0};
  RepliesTaken done;
};

}  // namespace

void Cluster::carry_replies(NodeId node, std::vector<DirectReply> replies, RepliesTaken taken) {
  if (node == self()) return take_replies(std::move(replies), std::move(taken));
  auto call = std::make_shared<ReplyCall>();
  call->stub = peers_->replies_stub(node);
  if (!call->stub || !calls_.begin(call->context)) return taken({});
  for (const auto& [key, value] : peers_->metadata())
    call->context.AddMetadata(key, value);
  call->context.set_deadline(std::chrono::system_clock::now() + reply_timeout);
  call->request = encode_replies(replies);
  call->stub->async()->Deliver(&call->context, &call->request, &call->answer,
                               [this, call, taken = std::move(taken)](const grpc::Status& status) {
                                 std::vector<bool> answers;
                                 if (status.ok())
                                   answers.assign(call->answer.taken().begin(),
                                                  call->answer.taken().end());
                                 taken(std::move(answers));
                                 calls_.end(call->context);
                               });
}

void Cluster::take_replies(std::vector<DirectReply> replies, RepliesTaken taken) {
  if (!lanes_up_ || replies.empty()) return taken({});
  auto delivering = std::make_shared<Delivering>();
  delivering->replies = std::move(replies);
  delivering->taken.resize(delivering->replies.size());
  delivering->done = std::move(taken);
  std::vector<std::vector<std::size_t>> by_door(doors_.size());
  for (std::size_t i = 0; i < delivering->replies.size(); ++i)
    by_door[ReactorDoor::index_of(delivering->replies[i].to.channel, doors_.size())].push_back(i);
  delivering->doors_left = static_cast<std::size_t>(
      std::ranges::count_if(by_door, [](const auto& places) { return !places.empty(); }));
  const Incarnation life(incarnation_.load());
  for (std::size_t i = 0; i < by_door.size(); ++i) {
    if (by_door[i].empty()) continue;
    ReactorDoor& door = *doors_[i];
    door.reactor().post([&door, life, delivering, places = std::move(by_door[i])] {
      for (std::size_t place : places) {
        const DirectReply& reply = delivering->replies[place];
        delivering->taken[place] = reply.to.life.incarnation == life && door.on_reply(reply);
      }
      if (--delivering->doors_left == 0)
        delivering->done({delivering->taken.begin(), delivering->taken.end()});
    });
  }
}

}  // namespace warren::cluster
