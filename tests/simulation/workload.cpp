#include "tests/simulation/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "broker/base/bytes.h"

namespace warren::simulation {

using namespace std::chrono_literals;

Workload::Workload(Cluster& cluster, std::uint32_t queues, std::uint32_t publishers)
    : cluster_(cluster),
      world_(cluster.world),
      queue_count_(queues),
      first_kind_(world_.draw(0, queue_kinds - 1)),
      publishers_(publishers) {
  cluster.users = this;
}

void Workload::start() {
  for (std::uint32_t n = 0; n < queue_count_; ++n)
    declare(n);
  for (std::size_t i = 0; i < publishers_.size(); ++i) {
    publishers_[i].id = i + 1;
    publisher_step(i);
  }
}

void Workload::declare(std::uint32_t number) {
  auto again = [this, number] { world_.after(200ms, [this, number] { declare(number); }); };
  auto nodes = cluster_.serving();
  if (nodes.empty()) return again();
  Process* process = cluster_.process(nodes[number % nodes.size()]);
  catalog::DeclareQueue declare;
  declare.vhost = "/";
  declare.name = fmt::format("q{}", number);
  declare.durable = true;
  const auto kind = static_cast<QueueKind>((first_kind_ + number) % queue_kinds);
  declare.arguments = arguments_of(kind, fmt::format("q{}", (number + 1) % queue_count_));
  declare.node = nodes[number % nodes.size()];
  declare.incarnation = process->incarnation();
  declaring_[number] = declare.node;
  process->definitions().define(
      declare,
      [this, again, number, kind, name = declare.name](Result<catalog::Outcome> outcome) {
        declaring_.erase(number);
        if (!outcome || outcome->error) return again();
        for (NodeId node : cluster_.serving()) {
          const auto* info = cluster_.process(node)->catalog().queue("/", name);
          if (info == nullptr) continue;
          queues_[info->id] = info->group;
          cluster_.checkers.on_declared(info->id, kind);
          for (int i = 0; i < 2; ++i) {
            Consumer& consumer = consumers_.emplace_back();
            consumer.queue = info->id;
            consumer.gets = world_.chance(100) && kind != QueueKind::stream;
            if (kind == QueueKind::stream) consumer.reads = i == 0 ? "" : "books";
            consumer_step(consumers_.size() - 1);
          }
          return;
        }
        again();
      },
      process->now());
  process->touch();
}

// A live connection to some node, the same one while it lives.
Process* Workload::connect(std::uint64_t& channel, NodeId& node) {
  if (channel != 0) return cluster_.process(node);
  auto nodes = cluster_.serving();
  if (nodes.empty()) return nullptr;
  node = nodes[world_.draw(0, nodes.size() - 1)];
  channel = next_channel_++;
  return cluster_.process(node);
}

// --- Publishers.

void Workload::publisher_step(std::size_t index) {
  Publisher& publisher = publishers_[index];
  if (!publishing_ && !publisher.upload) return;
  if (declared() && publisher.unconfirmed.size() < 40) publish(publisher);
  world_.after_us(world_.draw(3'000, 40'000), [this, index] { publisher_step(index); });
}

void Workload::publish(Publisher& publisher) {
  Process* process = connect(publisher.channel, publisher.node);
  if (process == nullptr || !process->serving()) return;
  if (publisher.upload)
    upload_step(publisher, *process);
  else
    for (std::uint64_t burst = world_.draw(1, 4); burst > 0 && !publisher.upload; --burst)
      publish_one(publisher, *process);
  process->touch();
}

void Workload::publish_one(Publisher& publisher, Process& process) {
  // Order is promised to a channel: each connection counts as a publisher of its own.
  Key key{publisher.channel, publisher.next_sequence++};
  bool fanout = world_.chance(200);
  std::size_t only = world_.draw(0, queues_.size() - 1);
  std::map<GroupId, std::vector<QueueId>> targets;
  std::size_t number = 0;
  for (const auto& [queue, group] : queues_)
    if ((fanout || number++ == only) && process.catalog().queue(queue) != nullptr)
      targets[group].push_back(queue);
  if (world_.chance(60)) {
    publisher.upload = Upload{key, std::move(targets), 0, world_.draw(1, 4), 0};
    return;
  }
  Bytes body(key.octets() + std::string(world_.draw(0, 60), 'x'));
  for (auto& [group, queues] : targets) {
    queue::Publish publish;
    publish.content.owner = body.owner();
    publish.content.body = body.view();
    publish.queues.assign(queues.begin(), queues.end());
    publish.priority = priority_of(key.sequence);
    publish.delay_ms = delay(key, targets);
    // Whoever has no answer publishes again, and so does this one.
    const bool once = std::ranges::all_of(queues, [this](QueueId queue) {
      return cluster_.checkers.kind_of(queue) == QueueKind::takes_once;
    });
    if (once) publish.duplicate = {key.publisher, key.sequence};
    if (once && world_.chance(300)) {
      ++world_.tally["published twice"];
      publisher.unconfirmed[publisher.next_tag] = {key, queues};
      submit_publish(publisher, process, group, publish);
    }
    publisher.unconfirmed[publisher.next_tag] = {key, queues};
    submit_publish(publisher, process, group, std::move(publish));
  }
}

// Its order is promised where others have it as well.
std::uint64_t Workload::delay(const Key& key,
                              const std::map<GroupId, std::vector<QueueId>>& targets) {
  if (targets.size() != 1 || targets.begin()->second.size() != 1) return 0;
  const QueueId queue = targets.begin()->second.front();
  if (cluster_.checkers.kind_of(queue) != QueueKind::delays) return 0;
  const std::uint64_t delay_ms = delay_of(key.sequence);
  if (delay_ms > 0) cluster_.checkers.on_delayed(key, queue, delay_ms);
  return delay_ms;
}

void Workload::submit_publish(Publisher& publisher, Process& process, GroupId group,
                              queue::Publish publish) {
  publish.origin = {publisher.channel, publisher.next_tag++};
  publish.content.routing_key = published_key;
  publish.content.properties = no_properties;
  publish.persistent = true;
  process.client(group).submit({queue::ClientCommand(std::move(publish))}, process.now());
  ++published_;
}

bool Workload::publish_timed() {
  bool any = false;
  for (const auto& [queue, group] : queues_) {
    if (!keeps_until_its_time(cluster_.checkers.kind_of(queue))) continue;
    any = true;
    // One that stays for a shorter time would wait behind one that stays for longer.
    publish_later(queue, group, 0ms, Milliseconds(world_.draw(5'000, 60'000)));
    for (int i = 0; i < 3; ++i)
      publish_later(queue, group, Milliseconds(world_.draw(5'000, 60'000)), 0ms);
  }
  return any;
}

void Workload::publish_later(QueueId queue, GroupId group, Milliseconds delay, Milliseconds ttl) {
  Publisher once;
  Process* process = connect(once.channel, once.node);
  if (process == nullptr || !process->serving()) return;
  const Key key{once.channel, 1};
  cluster_.checkers.timed.on_published(key, queue, delay, ttl);
  const Bytes body(key.octets());
  queue::Publish publish;
  publish.content.owner = body.owner();
  publish.content.body = body.view();
  publish.queues = {queue};
  publish.priority = priority_of(key.sequence);
  publish.delay_ms = static_cast<std::uint64_t>(delay.count());
  if (ttl > 0ms) publish.ttl_ms = static_cast<std::uint64_t>(ttl.count());
  submit_publish(once, *process, group, std::move(publish));
  process->touch();
}

// --- Large bodies.

void Workload::upload_step(Publisher& publisher, Process& process) {
  if (world_.faulty && world_.chance(20)) {
    ++world_.tally["upload abandoned"];
    for (const auto& [group, queues] : publisher.upload->targets)
      process.client(group).close_channel(publisher.channel, [] {}, process.now());
    publisher.channel = 0;
    publisher.unconfirmed.clear();
    publisher.upload.reset();
  } else if (publisher.upload->parts < publisher.upload->wanted) {
    send_part(publisher, process);
  } else {
    end_upload(publisher, process);
  }
}

void Workload::send_part(Publisher& publisher, Process& process) {
  Upload& upload = *publisher.upload;
  Bytes octets(fmt::format("{}part {}:{}", upload.key.octets(), upload.parts++,
                           std::string(world_.draw(0, 300), 'p')));
  upload.octets += octets.size();
  for (const auto& [group, queues] : upload.targets) {
    queue::Part part;
    part.origin = {publisher.channel, 0};
    part.upload = queue::upload_of(publisher.channel, 0);
    part.octets.owner = octets.owner();
    part.octets.body = octets.view();
    process.client(group).submit({queue::ClientCommand(std::move(part))}, process.now());
  }
}

void Workload::end_upload(Publisher& publisher, Process& process) {
  Upload upload = *std::exchange(publisher.upload, std::nullopt);
  ++world_.tally["large published"];
  Bytes end(fmt::format("{}end of {}", upload.key.octets(), upload.parts));
  for (const auto& [group, queues] : upload.targets) {
    queue::Publish publish;
    publish.content.owner = end.owner();
    publish.content.body = end.view();
    publish.queues.assign(queues.begin(), queues.end());
    publish.upload = queue::upload_of(publisher.channel, 0);
    publish.upload_octets = upload.octets;
    publish.priority = priority_of(upload.key.sequence);
    publish.delay_ms = delay(upload.key, upload.targets);
    publisher.unconfirmed[publisher.next_tag] = {upload.key, queues};
    submit_publish(publisher, process, group, std::move(publish));
  }
}

void Workload::read_part(std::uint64_t channel, GroupId group, LargeDelivery delivery,
                         std::size_t part) {
  if (part == delivery->parts.size()) {
    ++world_.tally["large read"];
    if (delivery->offset)
      return acknowledge_later(channel, group, *delivery->offset, delivery->held);
    return settle_later(channel, group, delivery->queue, delivery->held);
  }
  Consumer* consumer = consumer_of(channel);
  Process* process = consumer == nullptr ? nullptr : cluster_.process(consumer->node);
  if (process == nullptr || !process->serving()) return;
  process->client(group).fetch(
      delivery->parts[part].at,
      [=, this](const Result<std::optional<Bytes>>& octets) {
        if (!octets)
          return world_.after(100ms, [=, this] { read_part(channel, group, delivery, part); });
        check_part(delivery, group, part, *octets);
        read_part(channel, group, delivery, part + 1);
      },
      process->now());
  process->touch();
}

void Workload::check_part(const LargeDelivery& delivery, GroupId group, std::size_t part,
                          const std::optional<Bytes>& octets) {
  Key key = Key::parse(delivery->content.body);
  if (delivery->content.body != fmt::format("{}end of {}", key.octets(), delivery->parts.size()))
    world_.violation(fmt::format("queue {}: {}:{} has {} parts, but ends in {}", delivery->queue,
                                 key.publisher, key.sequence, delivery->parts.size(),
                                 delivery->content.body));
  // Whoever else settled it freed its parts.
  bool settled = cluster_.checkers.was_settled(group, delivery->queue, delivery->held.message);
  if (!octets && !settled)
    world_.violation(fmt::format("queue {}: part {} of {}:{} is gone", delivery->queue, part,
                                 key.publisher, key.sequence));
  if (!octets) ++world_.tally["part gone with its message"];
  const std::string begin = fmt::format("{}part {}:", key.octets(), part);
  if (octets &&
      (!octets->view().starts_with(begin) || octets->size() != delivery->parts[part].size))
    world_.violation(fmt::format("queue {}: part {} of {}:{} is {}", delivery->queue, part,
                                 key.publisher, key.sequence, octets->view()));
}

void Workload::on_outcome(std::uint64_t channel, std::uint64_t tag, queue::Outcome outcome) {
  if (tag == 0) return;  // a part's
  if (Consumer* consumer = consumer_of(channel)) {
    auto acked = consumer->acking.extract(tag);
    if (acked.empty() || outcome.code != queue::OutcomeCode::ok) return;
    GroupId group = queues_.at(consumer->queue);
    if (cluster_.process(consumer->node)->reachable_since(group, acked.mapped().since))
      cluster_.checkers.on_acked(group, consumer->queue, acked.mapped().held.message);
    return;
  }
  for (Publisher& publisher : publishers_) {
    if (publisher.channel != channel) continue;
    auto at = publisher.unconfirmed.find(tag);
    if (at == publisher.unconfirmed.end()) {
      world_.violation(fmt::format("channel {}: outcome of {} came twice", channel, tag));
      return;
    }
    if (outcome.code == queue::OutcomeCode::ok)
      for (QueueId queue : at->second.second)
        cluster_.checkers.on_confirm(at->second.first, queue);
    else
      ++world_.tally[outcome.code == queue::OutcomeCode::rejected ? "publish rejected"
                                                                  : "publish nacked"];
    publisher.unconfirmed.erase(at);
    return;
  }
}

// --- Consumers.

Workload::Consumer* Workload::consumer_of(std::uint64_t channel) {
  for (Consumer& consumer : consumers_)
    if (consumer.channel == channel) return &consumer;
  return nullptr;
}

void Workload::consumer_step(std::size_t index) {
  Consumer& consumer = consumers_[index];
  if (resting_ && consumer.channel != 0) close(consumer);
  Process* process = resting_ ? nullptr : connect(consumer.channel, consumer.node);
  if (process != nullptr && process->serving()) {
    if (consumer.gets && !draining_)
      get(consumer);
    else if (!consumer.asked)
      consume(consumer);
    else if (!draining_ && world_.chance(10))
      close(consumer);
    process->touch();
  }
  world_.after_us(world_.draw(30'000, 300'000), [this, index] { consumer_step(index); });
}

void Workload::consume(Consumer& consumer) {
  Process* process = cluster_.process(consumer.node);
  queue::Consumer wanted;
  wanted.number = process->next_consumer();
  wanted.queue = consumer.queue;
  wanted.channel = consumer.channel;
  wanted.prefetch = static_cast<std::uint32_t>(world_.draw(1, 10));
  if (consumer.reads) {
    wanted.tag = *consumer.reads;
    wanted.reading = queue::StreamReading{
        .from = queue::StreamPoint::first, .tracked = !consumer.reads->empty(), .filters = {}};
    cluster_.checkers.streams.on_begin(consumer.channel, consumer.queue, *consumer.reads);
  }
  consumer.number = wanted.number;
  consumer.prefetch = wanted.prefetch;
  consumer.asked = true;
  process->client(queues_.at(consumer.queue))
      .consume(
          wanted,
          [this, channel = consumer.channel](Result<ConsumerNumber> result) {
            if (Consumer* c = consumer_of(channel); c != nullptr && !result) c->asked = false;
          },
          process->now());
}

void Workload::get(Consumer& consumer) {
  if (consumer.asked) return;
  consumer.asked = true;
  Process* process = cluster_.process(consumer.node);
  GroupId group = queues_.at(consumer.queue);
  process->client(group).get(
      {{consumer.channel, 1}, consumer.queue, false},
      [this, channel = consumer.channel, group](Result<queue::GetReply> reply) {
        Consumer* c = consumer_of(channel);
        if (c == nullptr) return;
        c->asked = false;
        if (!reply || !reply->delivery) return;
        ++world_.tally["get"];
        // It was due when the leader handed it out: all that is known here.
        cluster_.checkers.on_handout(group, *reply->delivery, Stamp(UINT64_MAX));
        cluster_.checkers.on_delivery(group, *reply->delivery);
        on_delivery(channel, group, std::move(*reply->delivery));
      },
      process->now());
}

void Workload::on_delivery(std::uint64_t channel, GroupId group, queue::Delivery delivery) {
  Consumer* consumer = consumer_of(channel);
  if (consumer == nullptr) return;
  if (delivery.queue != consumer->queue) world_.violation("a delivery of another queue");
  if (!consumer->held.emplace(delivery.held, world_.now()).second)
    world_.violation("a delivery came twice");
  if (delivery.offset) cluster_.checkers.streams.on_read(channel, *delivery.offset);
  if (delivery.offset && consumer->held.size() > consumer->prefetch)
    world_.violation("a reader is given more than its prefetch");
  if (delivery.offset && delivery.parts.empty())
    return acknowledge_later(channel, group, *delivery.offset, delivery.held);
  if (delivery.parts.empty()) return settle_later(channel, group, delivery.queue, delivery.held);
  read_part(channel, group, std::make_shared<const queue::Delivery>(std::move(delivery)), 0);
}

void Workload::settle_later(std::uint64_t channel, GroupId group, QueueId queue, queue::Held held) {
  std::uint64_t us = world_.chance(900) ? world_.draw(0, 8'000) : world_.draw(8'000, 400'000);
  world_.after_us(us, [this, channel, group, queue, held] { settle(channel, group, queue, held); });
}

void Workload::settle(std::uint64_t channel, GroupId group, QueueId queue, queue::Held held) {
  Consumer* consumer = consumer_of(channel);
  if (consumer == nullptr) return;
  auto holding = consumer->held.extract(held);
  if (holding.empty()) return;
  Process* process = cluster_.process(consumer->node);
  if (process == nullptr || !process->serving()) return;
  if (world_.trace)
    world_.note(fmt::format("channel {} settles {}.{} of queue {} by checkout {}.{}", channel,
                            held.message.entry, held.message.slot, queue, held.checkout.term,
                            held.checkout.counter));
  auto kind = queue::SettleKind::ack;
  if (!draining_) {
    std::uint64_t draw = world_.draw(0, 99);
    if (draw < 5) kind = queue::SettleKind::reject;
    if (draw >= 5 && draw < 12) kind = queue::SettleKind::requeue_nack;
    if (draw >= 12 && draw < 15) kind = queue::SettleKind::requeue_reject;
  }
  std::uint64_t tag = next_settle_++;
  if (kind == queue::SettleKind::ack) consumer->acking[tag] = {held, holding.mapped()};
  process->client(group).submit(
      {queue::ClientCommand(queue::Settle{{channel, tag}, queue, kind, {held}})}, process->now());
  process->touch();
}

// --- Readers of streams.

void Workload::acknowledge_later(std::uint64_t channel, GroupId group, Ordinal offset,
                                 queue::Held held) {
  const std::uint64_t us = world_.draw(0, 20'000);
  world_.after_us(
      us, [this, channel, group, offset, held] { acknowledge(channel, group, offset, held); });
}

void Workload::acknowledge(std::uint64_t channel, GroupId group, Ordinal offset, queue::Held held) {
  Consumer* consumer = consumer_of(channel);
  if (consumer == nullptr) return;
  Process* process = cluster_.process(consumer->node);
  if (process == nullptr || !process->serving() || consumer->held.erase(held) == 0) return;
  cluster_.checkers.streams.on_acknowledged(channel, offset);
  process->client(group).acknowledge(consumer->number, std::array{offset}, process->now());
  process->touch();
}

bool Workload::all_read(QueueId queue, Ordinal end) const {
  return std::ranges::all_of(consumers_, [&](const Consumer& consumer) {
    return consumer.queue != queue ||
           (consumer.channel != 0 && cluster_.checkers.streams.is_at(consumer.channel, end));
  });
}

void Workload::close(Consumer& consumer) {
  ++world_.tally["channel closed"];
  Process* process = cluster_.process(consumer.node);
  process->client(queues_.at(consumer.queue))
      .close_channel(consumer.channel, [] {}, process->now());
  consumer.channel = 0;
  consumer.asked = false;
  consumer.held.clear();
  consumer.acking.clear();
}

void Workload::on_consumer_cancelled(std::uint64_t channel) {
  if (Consumer* consumer = consumer_of(channel)) consumer->asked = false;
}

void Workload::on_refused(std::uint64_t channel, QueueId, std::span<const queue::Held> held) {
  Consumer* consumer = consumer_of(channel);
  if (consumer == nullptr) return;
  for (const queue::Held& one : held)
    consumer->held.erase(one);
}

void Workload::on_node_lost(NodeId node) {
  // A client whose node is gone asks another.
  for (const auto& [number, asked] : std::map(declaring_))
    if (asked == node) {
      declaring_.erase(number);
      world_.after(200ms, [this, number = number] { declare(number); });
    }
  for (Publisher& publisher : publishers_)
    if (publisher.channel != 0 && publisher.node == node) {
      publisher.channel = 0;
      publisher.unconfirmed.clear();
      if (publisher.upload) ++world_.tally["node lost within an upload"];
      publisher.upload.reset();
    }
  for (Consumer& consumer : consumers_)
    if (consumer.channel != 0 && consumer.node == node) {
      consumer.channel = 0;
      consumer.asked = false;
      consumer.held.clear();
      consumer.acking.clear();
    }
}

}  // namespace warren::simulation
