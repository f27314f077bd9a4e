#include "broker/cluster/reactor_door.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace warren::cluster {

namespace {

constexpr Milliseconds expiry_period{250};
// To a busy lane: it says only when its turn comes that it has enough.
constexpr std::size_t transit_octets = 1u << 20;

Error no_session() {
  return {ReplyCode::internal_error, "this node is not a member of the cluster now"};
}

}  // namespace

ReactorDoor::ReactorDoor(runtime::Reactor& reactor, std::size_t index, std::size_t count,
                         DoorWorld& world)
    : reactor_(reactor),
      index_(index),
      count_(count),
      world_(world),
      timer_(reactor),
      replies_(reactor, world.self(),
               [&world](NodeId node, std::vector<DirectReply> replies, RepliesTaken taken) {
                 world.carry_replies(node, std::move(replies), std::move(taken));
               }) {
  seal_channel_ = open_channel(nullptr);
}

ReactorDoor::~ReactorDoor() = default;

void ReactorDoor::start() {
  timer_.start_every(expiry_period, [this] {
    expire_deletions();
    expire_catalog_waiters();
    // The keeper tells; should the lease have come and gone meanwhile, this does.
    if (!routable_waiters_.empty() && may_route()) on_routable();
  });
}
void ReactorDoor::stop() {
  timer_.cancel();
}

template <typename... Args>
std::function<void(Args...)> ReactorDoor::back(std::function<void(Args...)> done) {
  return [this, done = std::move(done)](Args... args) {
    if (reactor_.is_here())
      done(std::move(args)...);
    else
      reactor_.post([done, ... args = std::move(args)]() mutable { done(std::move(args)...); });
  };
}

void ReactorDoor::with_client(GroupId group,
                              std::move_only_function<void(replica::GroupClient&, BootTime)> use,
                              std::move_only_function<void()> absent) {
  Lane& lane = world_.lane_of(group);
  auto run = [this, &lane, group, use = std::move(use), absent = std::move(absent)]() mutable {
    if (replica::GroupClient* client = lane.client(group))
      use(*client, lane.now());
    else
      reactor_.post(std::move(absent));
  };
  if (lane.reactor().is_here())
    run();
  else
    lane.reactor().post(std::move(run));
}

// --- Channels

std::uint64_t ReactorDoor::open_channel(ChannelSink* sink) {
  std::uint64_t key = ++last_channel_ * count_ + index_;
  channels_.emplace(key, Channel{sink, {}});
  return key;
}

void ReactorDoor::note_group(std::uint64_t channel, GroupId group) {
  auto it = channels_.find(channel);
  if (it != channels_.end()) it->second.groups.insert(group);
}

void ReactorDoor::close_channel(std::uint64_t channel, std::function<void()> done) {
  auto node = channels_.extract(channel);
  auto left = std::make_shared<std::size_t>(node.empty() ? 0 : node.mapped().groups.size());
  if (*left == 0) {
    reactor_.post(std::move(done));
    return;
  }
  std::function<void()> closed = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  for (GroupId group : node.mapped().groups)
    with_client(
        group,
        [channel, closed = back(closed)](replica::GroupClient& client, BootTime now) {
          client.close_channel(channel, closed, now);
        },
        closed);
}

// --- Commands

void ReactorDoor::submit(GroupId group, std::vector<queue::ClientCommand> commands) {
  submit_by(&replica::GroupClient::submit, group, std::move(commands));
}

void ReactorDoor::submit_whole(GroupId group, std::vector<queue::ClientCommand> commands) {
  submit_by(&replica::GroupClient::submit_whole, group, std::move(commands));
}

void ReactorDoor::submit_by(Submit how, GroupId group, std::vector<queue::ClientCommand> commands) {
  std::vector<CommandOutcome> undone;
  std::size_t octets = 0;
  for (const auto& command : commands) {
    if (const auto* p = std::get_if<queue::Publish>(&command)) octets += p->content.size();
    queue::Origin origin = std::visit([](const auto& c) { return c.origin; }, command);
    note_group(origin.channel, group);
    undone.push_back({origin, {queue::OutcomeCode::session_ended, 0}});
  }
  in_transit_[group] += octets;
  with_client(
      group,
      [this, how, group, octets, commands = std::move(commands)](replica::GroupClient& client,
                                                                 BootTime now) mutable {
        (client.*how)(std::move(commands), now);
        const bool full = !client.writable();
        if (reactor_.is_here())
          on_arrived(group, octets, full);
        else if (octets > 0 || full)
          reactor_.post([this, group, octets, full] { on_arrived(group, octets, full); });
      },
      [this, group, octets, undone = std::move(undone)]() mutable {
        on_arrived(group, octets, false);
        on_outcomes(std::move(undone));
      });
}

bool ReactorDoor::writable(GroupId group) const {
  auto transit = in_transit_.find(group);
  return !full_.contains(group) &&
         (transit == in_transit_.end() || transit->second < transit_octets);
}

void ReactorDoor::on_arrived(GroupId group, std::size_t octets, bool full) {
  in_transit_[group] -= octets;
  if (full) full_.insert(group);
  if (writable(group)) resume_writers(group);
}

void ReactorDoor::resume_writers(GroupId group) {
  auto waiting = writable_waiters_.extract(group);
  if (waiting.empty()) return;
  for (auto& resume : waiting.mapped())
    resume();
}

void ReactorDoor::on_writable(GroupId group) {
  full_.erase(group);
  if (writable(group)) resume_writers(group);
}

void ReactorDoor::when_writable(GroupId group, std::function<void()> resume) {
  writable_waiters_[group].push_back(std::move(resume));
}

void ReactorDoor::when_routable(std::function<void()> resume) {
  routable_waiters_.push_back(std::move(resume));
}

void ReactorDoor::on_routable() {
  for (auto& resume : std::exchange(routable_waiters_, {}))
    resume();
}

// --- Requests

void ReactorDoor::consume(GroupId group, queue::Consumer consumer,
                          std::function<void(Result<ConsumerNumber>)> done) {
  note_group(consumer.channel, group);
  consumer.number = world_.next_consumer();
  with_client(
      group,
      [consumer = std::move(consumer), done = back(done)](replica::GroupClient& client,
                                                          BootTime now) mutable {
        client.consume(std::move(consumer), std::move(done), now);
      },
      [done] { done(std::unexpected(no_session())); });
}

void ReactorDoor::cancel(GroupId group, ConsumerNumber consumer, std::function<void()> done) {
  with_client(
      group,
      [consumer, done = back(done)](replica::GroupClient& client, BootTime now) mutable {
        client.cancel(consumer, std::move(done), now);
      },
      done);
}

void ReactorDoor::taken(GroupId group, ConsumerNumber consumer, std::uint64_t messages) {
  with_client(
      group,
      [consumer, messages](replica::GroupClient& client, BootTime now) {
        client.taken(consumer, messages, now);
      },
      [] {});
}

void ReactorDoor::set_prefetch(GroupId group, ConsumerNumber consumer, std::uint32_t prefetch) {
  with_client(
      group,
      [consumer, prefetch](replica::GroupClient& client, BootTime now) {
        client.set_prefetch(consumer, prefetch, now);
      },
      [] {});
}

void ReactorDoor::acknowledge(GroupId group, ConsumerNumber consumer,
                              std::vector<Ordinal> offsets) {
  with_client(
      group,
      [consumer, offsets = std::move(offsets)](replica::GroupClient& client, BootTime now) {
        client.acknowledge(consumer, offsets, now);
      },
      [] {});
}

void ReactorDoor::get(GroupId group, queue::GetRequest request,
                      std::function<void(Result<queue::GetReply>)> done) {
  note_group(request.origin.channel, group);
  with_client(
      group,
      [request = std::move(request), done = back(done)](replica::GroupClient& client,
                                                        BootTime now) mutable {
        client.get(std::move(request), std::move(done), now);
      },
      [done] { done(std::unexpected(no_session())); });
}

void ReactorDoor::counts(GroupId group, QueueId queue,
                         std::function<void(Result<queue::QueueCounts>)> done) {
  with_client(
      group,
      [queue, done = back(done)](replica::GroupClient& client, BootTime now) mutable {
        client.counts(queue, std::move(done), now);
      },
      [done] { done(std::unexpected(no_session())); });
}

void ReactorDoor::browse(GroupId group, QueueId queue, Ordinal from,
                         std::function<void(Result<queue::BrowsedPage>)> done) {
  with_client(
      group,
      [queue, from, done = back(done)](replica::GroupClient& client, BootTime now) mutable {
        client.browse(queue, from, std::move(done), now);
      },
      [done] { done(std::unexpected(no_session())); });
}

void ReactorDoor::fetch(GroupId group, MessageId part,
                        std::function<void(Result<std::optional<Bytes>>)> done) {
  with_client(
      group,
      [part, done = back(done)](replica::GroupClient& client, BootTime now) mutable {
        client.fetch(part, std::move(done), now);
      },
      [done] { done(std::unexpected(no_session())); });
}

// A life that the catalog knows to be over is not asked.
void ReactorDoor::reply(DirectReply reply, std::function<void(bool taken)> done) {
  const SessionId life = reply.to.life;
  const catalog::NodeInfo* node = catalog_ ? catalog_->node(life.node) : nullptr;
  if (node == nullptr || node->incarnation > life.incarnation ||
      (node->dead && node->incarnation == life.incarnation)) {
    reactor_.post([done = std::move(done)] { done(false); });
    return;
  }
  replies_.send(std::move(reply), std::move(done));
}

// --- Definitions

void ReactorDoor::set_catalog(std::shared_ptr<const catalog::Snapshot> catalog) {
  catalog_ = std::move(catalog);
  while (!catalog_waiters_.empty() && catalog_waiters_.begin()->first <= catalog_->index()) {
    auto node = catalog_waiters_.extract(catalog_waiters_.begin());
    node.mapped().then(true);
  }
}

void ReactorDoor::once_applied(CatalogIndex index, BootTime deadline,
                               std::function<void(bool applied)> then) {
  if (catalog_ && catalog_->index() >= index) return then(true);
  catalog_waiters_.emplace(index, CatalogWaiter{deadline, std::move(then)});
}

// The cluster has decided; this node, cut off meanwhile, does not route by it yet.
void ReactorDoor::expire_catalog_waiters() {
  BootTime now = reactor_.now();
  std::vector<CatalogWaiter> late;
  std::erase_if(catalog_waiters_, [&](auto& item) {
    if (item.second.deadline > now) return false;
    late.push_back(std::move(item.second));
    return true;
  });
  for (CatalogWaiter& waiter : late)
    waiter.then(false);
}

void ReactorDoor::define(catalog::Command command,
                         std::function<void(Result<catalog::Outcome>)> done) {
  if (auto* declare = std::get_if<catalog::DeclareQueue>(&command))
    declare->preferred_group = world_.preferred_group();
  if (auto* declare = std::get_if<catalog::DeclareHistory>(&command))
    declare->preferred_group = world_.preferred_group();
  BootTime deadline = reactor_.now() + BootTime(world_.operation_timeout());
  world_.define(std::move(command), [this, deadline,
                                     done = std::move(done)](Result<catalog::Outcome> result) {
    reactor_.post([this, deadline, done, result = std::move(result)]() mutable {
      CatalogIndex index = result ? result->index : CatalogIndex();
      once_applied(
          index, deadline, [done = std::move(done), result = std::move(result)](bool applied) {
            if (applied) return done(result);
            done(fail(
                ReplyCode::internal_error,
                "the cluster has done this, but this node does not know it yet: it cannot reach "
                "the others"));
          });
    });
  });
}

void ReactorDoor::delete_queue(QueueId queue, bool if_unused, bool if_empty,
                               std::function<void(Result<std::uint64_t>)> done) {
  const auto* info = catalog_ ? catalog_->queue(queue) : nullptr;
  if (!info) {
    reactor_.post([done = std::move(done)] { done(0); });
    return;
  }
  std::uint64_t tag = ++last_deletion_;
  deletions_.emplace(
      tag, Deletion{queue, info->vhost, info->name,
                    reactor_.now() + BootTime(world_.operation_timeout()), std::move(done)});
  std::vector<queue::ClientCommand> seal;
  seal.push_back(queue::Seal{{seal_channel_, tag}, queue, if_unused, if_empty});
  submit(info->group, std::move(seal));
}

void ReactorDoor::on_sealed(std::uint64_t tag, const queue::Outcome& outcome) {
  auto node = deletions_.extract(tag);
  if (node.empty()) return;
  Deletion deletion = std::move(node.mapped());
  auto refuse = [&](ReplyCode code, const char* why) {
    deletion.done(
        fail(code, fmt::format("queue '{}' in vhost '{}' {}", deletion.name, deletion.vhost, why)));
  };
  switch (outcome.code) {
    case queue::OutcomeCode::in_use:
      return refuse(ReplyCode::precondition_failed, "in use");
    case queue::OutcomeCode::not_empty:
      return refuse(ReplyCode::precondition_failed, "is not empty");
    case queue::OutcomeCode::timed_out:
    case queue::OutcomeCode::session_ended:
      return refuse(ReplyCode::internal_error, "has no leader now");
    case queue::OutcomeCode::ok:
    case queue::OutcomeCode::rejected:
    case queue::OutcomeCode::queue_gone:
      break;
  }
  define(catalog::DeleteQueue{deletion.queue},
         [done = std::move(deletion.done), count = outcome.value](Result<catalog::Outcome> result) {
           if (!result)
             done(std::unexpected(result.error()));
           else
             done(count);
         });
}

void ReactorDoor::expire_deletions() {
  BootTime now = reactor_.now();
  std::vector<std::uint64_t> late;
  for (const auto& [tag, deletion] : deletions_)
    if (deletion.deadline <= now) late.push_back(tag);
  for (std::uint64_t tag : late)
    on_sealed(tag, {queue::OutcomeCode::timed_out, 0});
}

// --- To the channels

void ReactorDoor::on_outcomes(std::vector<CommandOutcome> outcomes) {
  for (std::size_t i = 0; i < outcomes.size();) {
    const std::uint64_t channel = outcomes[i].origin.channel;
    std::size_t end = i + 1;
    while (end < outcomes.size() && outcomes[end].origin.channel == channel)
      ++end;
    std::span run(outcomes.begin() + static_cast<std::ptrdiff_t>(i), end - i);
    i = end;
    if (channel == seal_channel_) {
      for (const CommandOutcome& sealed : run)
        on_sealed(sealed.origin.tag, sealed.outcome);
      continue;
    }
    auto it = channels_.find(channel);
    if (it != channels_.end()) it->second.sink->on_outcomes(run);
  }
}

void ReactorDoor::on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) {
  auto it = channels_.find(channel);
  if (it != channels_.end()) it->second.sink->on_deliveries(std::move(deliveries));
}

void ReactorDoor::on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) {
  auto it = channels_.find(channel);
  if (it != channels_.end()) it->second.sink->on_consumer_cancelled(number);
}

void ReactorDoor::on_holdings_refused(std::uint64_t channel, QueueId queue,
                                      std::vector<queue::Held> refused) {
  auto it = channels_.find(channel);
  if (it != channels_.end()) it->second.sink->on_holdings_refused(queue, refused);
}

bool ReactorDoor::on_reply(const DirectReply& reply) {
  auto it = channels_.find(reply.to.channel);
  if (it == channels_.end() || it->second.sink == nullptr) return false;
  return it->second.sink->on_reply(reply.to.secret, reply.content ? &*reply.content : nullptr);
}

void ReactorDoor::on_incarnation_lost() {
  // A sink may close its channel, and others, while it is told.
  std::vector<std::uint64_t> keys;
  for (const auto& [key, channel] : channels_)
    if (channel.sink) keys.push_back(key);
  for (std::uint64_t key : keys)
    if (auto it = channels_.find(key); it != channels_.end())
      it->second.sink->on_incarnation_lost();
}

}  // namespace warren::cluster
