// Catalog: queues. The order of checks is RabbitMQ's.
#include "broker/catalog/arguments.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/names.h"
#include "broker/catalog/placement.h"

namespace warren::catalog {

namespace {

const char* text_of(bool value) {
  return value ? "'true'" : "'false'";
}

// An exclusive queue is never durable, whatever the client says.
bool stored_durable(const DeclareQueue& command) {
  return command.durable && !command.exclusive;
}

Result<void> check_equivalent(const QueueInfo& current, const DeclareQueue& received) {
  const bool mine = current.owned_by(received.node, received.incarnation, received.owner);
  if (current.exclusive != received.exclusive || (current.exclusive && !mine))
    return std::unexpected(queue_locked(current.name, current.vhost));
  const std::string resource = queue_resource(current.name, current.vhost);
  const bool durable = stored_durable(received);
  if (current.durable != durable)
    return std::unexpected(
        inequivalent_argument("durable", resource, text_of(durable), text_of(current.durable)));
  if (current.auto_delete != received.auto_delete)
    return std::unexpected(inequivalent_argument(
        "auto_delete", resource, text_of(received.auto_delete), text_of(current.auto_delete)));
  return check_equivalent_queue_arguments(current.arguments, received.arguments, resource);
}

// Names that the front end makes for clients that give none.
bool is_server_named(std::string_view name) {
  return name.starts_with("amq.gen-");
}

}  // namespace

Result<void> Catalog::run(const DeclareQueue& command, Applied& applied) {
  if (tables_.vhosts.find(command.vhost) == nullptr)
    return std::unexpected(not_found_vhost(command.vhost));
  if (const QueueInfo* queue = tables_.queues.find({command.vhost, command.name})) {
    applied.outcome.queue = queue->id;
    return check_equivalent(*queue, command);
  }
  if (command.name.empty()) return std::unexpected(not_found_queue("", command.vhost));
  if (has_reserved_prefix(command.name) && !is_server_named(command.name))
    return std::unexpected(reserved_queue_name(command.name));
  if (auto valid = check_queue_arguments(command.arguments, command.name, command.vhost); !valid)
    return valid;
  if (is_stream(command.arguments))
    if (auto valid = check_stream_declaration(command); !valid) return valid;
  Result<GroupId> group = group_for(command);
  if (!group) return std::unexpected(group.error());

  auto queue = std::make_shared<QueueInfo>();
  queue->id = QueueId(tables_.index.value);
  queue->vhost = command.vhost;
  queue->name = command.name;
  queue->durable = stored_durable(command);
  queue->exclusive = command.exclusive;
  queue->auto_delete = command.auto_delete;
  queue->arguments = command.arguments;
  queue->arguments_octets = command.arguments_octets;
  queue->group = *group;
  queue->node = command.node;
  if (is_local(*group)) queue->incarnation = command.incarnation;
  if (command.exclusive) queue->owner = command.owner;
  applied.outcome.queue = queue->id;
  applied.outcome.created = true;
  add_queue(std::move(queue));
  return {};
}

Result<GroupId> Catalog::group_for(const DeclareQueue& command) const {
  if (!stored_durable(command)) return local_group_for(command);
  if (tables_.test_placement) {
    constexpr const char* argument = "x-warren-group";
    if (auto wanted = integer_argument(command.arguments, argument)) {
      const GroupId group(static_cast<std::uint32_t>(*wanted));
      if (*wanted > 0 && *wanted < local_group_bit && is_queue_group(tables_, group)) return group;
      return std::unexpected(
          invalid_queue_argument(argument, command.name, command.vhost, "no_such_group"));
    }
  }
  if (command.preferred_group && is_queue_group(tables_, *command.preferred_group))
    return *command.preferred_group;
  if (auto group = choose_group(tables_, command.node)) return *group;
  return fail(ReplyCode::internal_error, "there are no queue groups");
}

// A node that has been declared dead must not leave queues behind that nothing would remove.
Result<GroupId> Catalog::local_group_for(const DeclareQueue& command) const {
  const NodeInfo* node = tables_.nodes.find(command.node);
  if (node == nullptr || node->dead || node->incarnation != command.incarnation)
    return fail(ReplyCode::internal_error, "the declaring node's incarnation has ended");
  return local_group_of(command.node);
}

Result<void> Catalog::run(const DeleteQueue& command, Applied& applied) {
  auto queue = tables_.queues_by_id.find_shared(command.queue);
  if (!queue || queue->hidden()) return {};
  applied.outcome.queue = queue->id;
  remove_queue(*queue, applied.effects);
  return {};
}

}  // namespace warren::catalog
