#include <fmt/format.h>

#include <utility>

#include "broker/catalog/arguments.h"
#include "broker/frontend/arguments.h"
#include "broker/frontend/channel_inline.h"
#include "broker/frontend/history_replay.h"
#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {

Result<void> check_type(const std::string& type) {
  if (routing::exchange_type_of(type)) return {};
  return fail(ReplyCode::precondition_failed, fmt::format("unknown exchange type '{}'", type));
}

}  // namespace

template <>
Channel::Done Channel::on(const amqp::ExchangeDeclare& method) {
  const std::string name = without_line_ends(method.exchange);
  if (name.empty()) return std::unexpected(default_exchange());
  const std::string& vhost = connection_.vhost();
  const bool exists = connection_.catalog()->exchange(vhost, name) != nullptr;
  if (method.passive) {
    // Before it is looked for: who may do nothing with it must not learn whether it is there.
    if (Done allowed =
            connection_.permissions().check_any(*connection_.catalog(), Resource::exchange, name);
        !allowed)
      return allowed;
    if (!exists) return std::unexpected(no_exchange(vhost, name));
    if (!method.no_wait) write(amqp::ExchangeDeclareOk{});
    return {};
  }
  if (Done known = check_type(method.type); !known) return known;
  if (Done allowed = may(Access::configure, Resource::exchange, name); !allowed) return allowed;
  if (!exists && is_reserved(name))
    return warren::fail(ReplyCode::access_refused,
                        fmt::format("exchange name '{}' contains reserved prefix 'amq.*'", name));
  catalog::Arguments arguments = to_arguments(method.arguments);
  if (Done good = catalog::check_exchange_arguments(arguments, name, vhost); !good) return good;
  if (auto type = catalog::routing_type(method.type, arguments); !type && !exists)
    return std::unexpected(type.error());
  if (auto alternate = method.arguments.as_string("alternate-exchange")) {
    if (Done allowed = may(Access::read, Resource::exchange, name); !allowed) return allowed;
    if (Done allowed = may(Access::write, Resource::exchange, *alternate); !allowed) return allowed;
  }
  catalog::DeclareExchange declare{vhost,
                                   name,
                                   method.type,
                                   method.durable,
                                   method.auto_delete,
                                   method.internal,
                                   std::move(arguments),
                                   arguments_octets(method.arguments)};
  catalog::Command command = declare;
  if (routing::exchange_type_of(method.type) == routing::ExchangeType::recent_history)
    command =
        catalog::DeclareHistory{std::move(declare), connection_.hub().door.self(), std::nullopt};
  connection_.hub().door.define(
      std::move(command),
      answer<catalog::Outcome>(
          method.info, [this, no_wait = method.no_wait](const catalog::Outcome& outcome) -> Done {
            if (outcome.error) return std::unexpected(*outcome.error);
            if (!no_wait) write(amqp::ExchangeDeclareOk{});
            return {};
          }));
  return {};
}

template <>
Channel::Done Channel::on(const amqp::ExchangeDelete& method) {
  const std::string name = without_line_ends(method.exchange);
  const std::string& vhost = connection_.vhost();
  if (name.empty()) return std::unexpected(default_exchange());
  if (is_reserved(name))
    return warren::fail(ReplyCode::access_refused, fmt::format("deletion of system {} not allowed",
                                                               exchange_text(vhost, name)));
  if (Done allowed = may(Access::configure, Resource::exchange, name); !allowed) return allowed;
  connection_.hub().door.define(
      catalog::DeleteExchange{vhost, name, method.if_unused},
      answer<catalog::Outcome>(
          method.info, [this, no_wait = method.no_wait](const catalog::Outcome& outcome) -> Done {
            if (outcome.error && outcome.error->code != ReplyCode::not_found)
              return std::unexpected(*outcome.error);
            if (!no_wait) write(amqp::ExchangeDeleteOk{});
            return {};
          }));
  return {};
}

// What every bind and unbind carries: the arguments and who asks.
catalog::Bind Channel::make_bind(const amqp::FieldTable& arguments) const {
  catalog::Bind bind;
  bind.vhost = connection_.vhost();
  bind.arguments = to_arguments(arguments);
  bind.arguments_octets = arguments_octets(arguments);
  cluster::Door& door = connection_.hub().door;
  bind.node = door.self();
  if (const catalog::NodeInfo* node = connection_.catalog()->node(door.self()))
    bind.incarnation = node->incarnation;
  bind.owner = connection_.key();
  return bind;
}

template <>
Channel::Done Channel::on(const amqp::ExchangeBind& method) {
  catalog::Bind bind = make_bind(method.arguments);
  bind.source = without_line_ends(method.source);
  bind.destination = without_line_ends(method.destination);
  bind.kind = catalog::DestinationKind::exchange;
  bind.routing_key = method.routing_key;
  return define_binding<amqp::ExchangeBindOk>(method.info, std::move(bind), method.no_wait);
}

template <>
Channel::Done Channel::on(const amqp::ExchangeUnbind& method) {
  catalog::Unbind unbind{make_bind(method.arguments)};
  unbind.source = without_line_ends(method.source);
  unbind.destination = without_line_ends(method.destination);
  unbind.kind = catalog::DestinationKind::exchange;
  unbind.routing_key = method.routing_key;
  return define_binding<amqp::ExchangeUnbindOk>(method.info, std::move(unbind), method.no_wait);
}

template <>
Channel::Done Channel::on(const amqp::QueueBind& method) {
  return bind_queue(method, catalog::Bind{make_bind(method.arguments)});
}

template <>
Channel::Done Channel::on(const amqp::QueueUnbind& method) {
  return bind_queue(method, catalog::Unbind{make_bind(method.arguments)});
}

template <typename Method, typename Command>
Channel::Done Channel::bind_queue(const Method& method, Command command) {
  Result<std::string> name = name_of_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  // Both empty: both stand for the queue declared last.
  const bool key_too = method.queue.empty() && method.routing_key.empty();
  if (std::is_same_v<Command, catalog::Bind> && cluster::is_reply_queue(*name))
    return warren::fail(
        ReplyCode::access_refused,
        fmt::format("{} takes direct replies only", queue_text(connection_.vhost(), *name)));
  command.source = without_line_ends(method.exchange);
  command.destination = *name;
  command.routing_key = key_too ? *name : method.routing_key;
  if constexpr (requires { method.no_wait; })
    return define_binding<amqp::QueueBindOk>(method.info, std::move(command), method.no_wait);
  else
    return define_binding<amqp::QueueUnbindOk>(method.info, std::move(command), false);
}

template <typename Ok, typename Command>
Channel::Done Channel::define_binding(const amqp::MethodInfo& method, Command command,
                                      bool no_wait) {
  const bool to_queue = command.kind == catalog::DestinationKind::queue;
  if (command.source.empty() || (!to_queue && command.destination.empty()))
    return std::unexpected(default_exchange());
  const Resource destination = to_queue ? Resource::queue : Resource::exchange;
  if (Done allowed = may(Access::write, destination, command.destination); !allowed) return allowed;
  if (Done allowed = may(Access::read, Resource::exchange, command.source); !allowed)
    return allowed;
  if (const catalog::QueueInfo* queue =
          to_queue ? connection_.catalog()->queue(command.vhost, command.destination) : nullptr;
      queue != nullptr && queue->exclusive && !is_mine(*queue))
    return std::unexpected(locked_queue(command.vhost, command.destination));
  constexpr bool unbinds = std::is_same_v<Command, catalog::Unbind>;
  catalog::Bind bound = command;
  connection_.hub().door.define(
      std::move(command),
      answer<catalog::Outcome>(method,
                               [this, method, no_wait, bound = std::move(bound)](
                                   const catalog::Outcome& outcome) mutable -> Done {
                                 const bool gone = unbinds && outcome.error &&
                                                   outcome.error->code == ReplyCode::not_found;
                                 if (outcome.error && !gone) return std::unexpected(*outcome.error);
                                 auto reply = [this, no_wait]() -> Done {
                                   if (!no_wait) write(Ok{});
                                   return {};
                                 };
                                 if (unbinds || !outcome.created) return reply();
                                 return give_history(method, std::move(bound), reply);
                               }));
  return {};
}

// Every node routes by the binding: what is published from here on comes by it.
Channel::Done Channel::give_history(const amqp::MethodInfo& method, catalog::Bind bound,
                                    std::function<Done()> then) {
  const catalog::Snapshot& catalog = *connection_.catalog();
  const catalog::ExchangeInfo* source = catalog.exchange(bound.vhost, bound.source);
  const catalog::QueueInfo* kept = source == nullptr ? nullptr : catalog.queue(source->history);
  if (kept == nullptr) return then();
  const HistoryReplay::Source from{kept->group, kept->id};
  return after_commands(method, [this, method, from, bound = std::move(bound), then]() -> Done {
    auto done = answer<std::uint64_t>(method, [this, then](std::uint64_t) -> Done {
      history_.reset();
      return then();
    });
    auto progress = [this] {
      wait_deadline_ =
          connection_.hub().reactor.now() + connection_.hub().settings.synchronous_timeout;
    };
    history_ = std::make_shared<HistoryReplay>(
        connection_.hub().door, from,
        HistoryReplay::Destination{bound.vhost, bound.destination, bound.kind}, std::move(progress),
        std::move(done));
    history_->start();
    return {};
  });
}

}  // namespace warren::frontend
