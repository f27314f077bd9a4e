#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "broker/catalog/arguments.h"
#include "broker/frontend/arguments.h"
#include "broker/frontend/channel_inline.h"
#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {

std::uint32_t to_count(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

// Consumers of queues that went while queue.delete was under way: told behind delete-ok.
template <typename Consumers>
std::vector<ConsumerNumber> gone_of(const Consumers& consumers) {
  std::vector<ConsumerNumber> gone;
  for (const auto& [tag, consumer] : consumers)
    if (consumer.gone) gone.push_back(consumer.number);
  return gone;
}

}  // namespace

// Empty stands for the queue that the channel declared last.
Result<std::string> Channel::name_of_queue(const std::string& given) {
  if (!given.empty()) return without_line_ends(given);
  if (last_declared_.empty())
    return warren::fail(ReplyCode::not_found, "no previously declared queue");
  return last_declared_;
}

bool Channel::is_mine(const catalog::QueueInfo& queue) const {
  const NodeId self = connection_.hub().door.self();
  const catalog::NodeInfo* node = connection_.catalog()->node(self);
  const Incarnation incarnation = node == nullptr ? Incarnation{} : node->incarnation;
  return queue.owned_by(self, incarnation, connection_.key());
}

// The pointer lives as long as the turn's catalog.
Result<const catalog::QueueInfo*> Channel::find_queue(std::string_view name) {
  const catalog::QueueInfo* queue = connection_.catalog()->queue(connection_.vhost(), name);
  if (queue == nullptr) return std::unexpected(no_queue(connection_.vhost(), name));
  if (queue->exclusive && !is_mine(*queue))
    return std::unexpected(locked_queue(connection_.vhost(), name));
  return queue;
}

template <>
Channel::Done Channel::on(const amqp::QueueDeclare& method) {
  if (cluster::is_reply_queue(without_line_ends(method.queue))) return declare_reply_queue(method);
  if (method.passive) {
    // No name is a name here, which no queue has.
    std::string name = without_line_ends(method.queue);
    // Before it is looked for: who may do nothing with it must not learn whether it is there.
    if (Done allowed =
            connection_.permissions().check_any(*connection_.catalog(), Resource::queue, name);
        !allowed)
      return allowed;
    Result<const catalog::QueueInfo*> queue = find_queue(name);
    if (!queue) return std::unexpected(queue.error());
    last_declared_ = name;
    if (method.no_wait) return {};
    return after_commands(method.info, [this, group = (*queue)->group, id = (*queue)->id,
                                        name = std::move(name)]() mutable {
      return answer_declare(group, id, std::move(name), false);
    });
  }
  std::string name = without_line_ends(method.queue);
  if (name.empty() && method.arguments.as_string("x-queue-type") == "stream")
    return warren::fail(ReplyCode::precondition_failed,
                        "Cannot declare a server-named queue for type rabbit_stream_queue");
  if (name.empty()) name = random_name("amq.gen-");
  return declare(method, std::move(name));
}

Channel::Done Channel::declare(const amqp::QueueDeclare& method, std::string name) {
  const std::string& vhost = connection_.vhost();
  const bool exists = connection_.catalog()->queue(vhost, name) != nullptr;
  if (!exists && !method.queue.empty() && is_reserved(name))
    return warren::fail(ReplyCode::access_refused,
                        fmt::format("queue name '{}' contains reserved prefix 'amq.*'", name));
  if (Done allowed = may(Access::configure, Resource::queue, name); !allowed) return allowed;
  const catalog::Bind asker = make_bind(method.arguments);
  // The catalog refuses them too, but need not be asked.
  if (!exists)
    if (Done good = catalog::check_queue_arguments(asker.arguments, name, vhost); !good)
      return good;
  if (auto dead_letters = method.arguments.as_string("x-dead-letter-exchange")) {
    if (Done allowed = may(Access::read, Resource::queue, name); !allowed) return allowed;
    if (Done allowed = may(Access::write, Resource::exchange, *dead_letters); !allowed)
      return allowed;
  }
  catalog::DeclareQueue command;
  command.vhost = vhost;
  command.name = name;
  command.durable = method.durable && !method.exclusive;
  command.exclusive = method.exclusive;
  command.auto_delete = method.auto_delete;
  command.arguments = asker.arguments;
  command.arguments_octets = asker.arguments_octets;
  command.node = asker.node;
  command.incarnation = asker.incarnation;
  command.owner = method.exclusive ? asker.owner : 0;
  connection_.hub().door.define(
      std::move(command),
      answer<catalog::Outcome>(method.info,
                               [this, name = std::move(name), exclusive = method.exclusive,
                                no_wait = method.no_wait](const catalog::Outcome& outcome) {
                                 return declared(outcome, name, exclusive, no_wait);
                               }));
  return {};
}

Channel::Done Channel::declared(const catalog::Outcome& outcome, std::string name, bool exclusive,
                                bool no_wait) {
  if (outcome.error) return std::unexpected(*outcome.error);
  if (exclusive) connection_.own_exclusive(outcome.queue);
  last_declared_ = name;
  const catalog::QueueInfo* queue = connection_.catalog()->queue(outcome.queue);
  // Its group must know of it, or would not count how long nobody uses it.
  const bool counts =
      queue != nullptr && catalog::find_argument(queue->arguments, "x-expires") != nullptr;
  if (no_wait && !counts) return {};
  if (queue == nullptr || (outcome.created && !counts)) {
    write(amqp::QueueDeclareOk{std::move(name), 0, 0});
    return {};
  }
  return after_commands(amqp::QueueDeclare::info, [this, group = queue->group, id = outcome.queue,
                                                   name = std::move(name), no_wait]() mutable {
    return answer_declare(group, id, std::move(name), no_wait);
  });
}

Channel::Done Channel::answer_declare(GroupId group, QueueId queue, std::string name,
                                      bool no_wait) {
  connection_.hub().door.counts(
      group, queue,
      answer<queue::QueueCounts>(
          amqp::QueueDeclare::info,
          [this, name = std::move(name), no_wait](const queue::QueueCounts& counts) -> Done {
            if (no_wait) return {};
            write(amqp::QueueDeclareOk{name, to_count(counts.ready), to_count(counts.consumers)});
            return {};
          }));
  return {};
}

template <>
Channel::Done Channel::on(const amqp::QueuePurge& method) {
  Result<std::string> name = name_of_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (Done allowed = may(Access::read, Resource::queue, *name); !allowed) return allowed;
  Result<const catalog::QueueInfo*> queue = find_queue(*name);
  if (!queue) return std::unexpected(queue.error());
  if (catalog::is_stream((*queue)->arguments))
    return warren::fail(ReplyCode::not_implemented, "queue.purge not supported by stream queues " +
                                                        queue_text(connection_.vhost(), *name));
  return after_commands(
      method.info,
      [this, id = (*queue)->id, group = (*queue)->group, name = *name,
       no_wait = method.no_wait]() -> Done {
        purged_ = answer<queue::Outcome>(
            amqp::QueuePurge::info, [this, name, no_wait](const queue::Outcome& outcome) -> Done {
              if (outcome.code == queue::OutcomeCode::queue_gone)
                return std::unexpected(no_queue(connection_.vhost(), name));
              if (outcome.code != queue::OutcomeCode::ok)
                return warren::fail(ReplyCode::internal_error, "queue.purge was not committed");
              if (!no_wait) write(amqp::QueuePurgeOk{to_count(outcome.value)});
              return {};
            });
        connection_.batch().add(group, queue::Purge{{key_, origin_tag(CommandKind::purge)}, id});
        connection_.touch();
        return {};
      });
}

template <>
Channel::Done Channel::on(const amqp::QueueDelete& method) {
  Result<std::string> name = name_of_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (Done allowed = may(Access::configure, Resource::queue, *name); !allowed) return allowed;
  Result<const catalog::QueueInfo*> queue = find_queue(*name);
  auto reply = [this, no_wait = method.no_wait](std::uint64_t count) {
    if (!no_wait) write(amqp::QueueDeleteOk{to_count(count)});
  };
  if (!queue && queue.error().code == ReplyCode::not_found) {
    reply(0);
    return {};
  }
  if (!queue) return std::unexpected(queue.error());
  // Not through answer(): a queue that is gone by now is no error, a condition gets its text here.
  auto ended = [reply, resource = queue_text(connection_.vhost(), *name), unused = method.if_unused,
                empty = method.if_empty](const Result<std::uint64_t>& count) -> Done {
    if (count || count.error().code == ReplyCode::not_found) {
      reply(count.value_or(0));
      return {};
    }
    if (count.error().code != ReplyCode::precondition_failed) return std::unexpected(count.error());
    const bool not_empty = !unused || (empty && count.error().text.contains("empty"));
    return warren::fail(ReplyCode::precondition_failed,
                        resource + (not_empty ? " not empty" : " in use"));
  };
  connection_.hub().door.delete_queue((*queue)->id, method.if_unused, method.if_empty,
                                      [weak = weak_from_this(), wait = begin_wait(method.info),
                                       ended](const Result<std::uint64_t>& count) {
                                        std::shared_ptr<Channel> self = weak.lock();
                                        if (self == nullptr || !self->end_wait(wait)) return;
                                        const Done done = ended(count);
                                        for (ConsumerNumber number : gone_of(self->consumers_))
                                          self->on_consumer_cancelled(number);
                                        self->after_wait(done);
                                      });
  return {};
}

}  // namespace warren::frontend
