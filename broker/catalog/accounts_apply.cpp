// Catalog: vhosts, users and permissions.
#include "broker/catalog/catalog.h"
#include "broker/catalog/names.h"

namespace warren::catalog {

namespace {

// REQUIRES: Map's items are erased by the key of an item.
template <typename Map, typename Predicate>
void erase_if(Map& map, Predicate doomed) {
  const Map before = map;
  before.for_each([&](const auto& item) {
    if (doomed(item)) map.erase(Map::key_of(item));
  });
}

}  // namespace

void Catalog::create_vhost(const std::string& name, const std::string& description) {
  tables_.vhosts.put(VhostInfo{name, description});
  const struct {
    const char* name;
    const char* type;
    bool internal;
  } predeclared[] = {{"", "direct", false},           {"amq.direct", "direct", false},
                     {"amq.fanout", "fanout", false}, {"amq.headers", "headers", false},
                     {"amq.match", "headers", false}, {"amq.rabbitmq.trace", "topic", true},
                     {"amq.topic", "topic", false}};
  for (const auto& exchange : predeclared) {
    ExchangeInfo info;
    info.vhost = name;
    info.name = exchange.name;
    info.type = exchange.type;
    info.durable = true;
    info.internal = exchange.internal;
    put_exchange(std::move(info));
  }
}

Result<void> Catalog::run(const PutVhost& command, Applied& applied) {
  if (command.name.empty()) return fail(ReplyCode::precondition_failed, "vhost without a name");
  if (tables_.vhosts.find(command.name) != nullptr) {
    tables_.vhosts.put(VhostInfo{command.name, command.description});
    return {};
  }
  create_vhost(command.name, command.description);
  applied.outcome.created = true;
  return {};
}

Result<void> Catalog::run(const DeleteVhost& command, Applied& applied) {
  if (tables_.vhosts.find(command.name) == nullptr)
    return std::unexpected(not_found_vhost(command.name));
  std::set<QueueId> queues;
  tables_.queues.for_each([&](const QueueInfo& queue) {
    if (queue.vhost == command.name) queues.insert(queue.id);
  });
  for (QueueId id : queues) {
    auto queue = tables_.queues_by_id.find_shared(id);
    remove_queue(*queue, applied.effects);
  }
  Doomed exchanges;
  tables_.exchanges.for_each([&](const ExchangeRecord& record) {
    if (record.info->vhost == command.name)
      exchanges.emplace_back(record.info->vhost, record.info->name);
  });
  remove_exchanges(std::move(exchanges), applied.effects);
  erase_if(tables_.permissions,
           [&](const PermissionInfo& item) { return item.vhost == command.name; });
  tables_.vhosts.erase(command.name);
  return {};
}

Result<void> Catalog::run(const PutUser& command, Applied& applied) {
  if (command.name.empty()) return fail(ReplyCode::precondition_failed, "user without a name");
  applied.outcome.created = tables_.users.find(command.name) == nullptr;
  tables_.users.put(
      UserInfo{command.name, command.password_hash, command.hashing_algorithm, command.tags});
  return {};
}

Result<void> Catalog::run(const DeleteUser& command, Applied&) {
  if (!tables_.users.erase(command.name)) return std::unexpected(not_found_user(command.name));
  erase_if(tables_.permissions,
           [&](const PermissionInfo& item) { return item.user == command.name; });
  return {};
}

Result<void> Catalog::run(const PutPermission& command, Applied& applied) {
  if (tables_.vhosts.find(command.vhost) == nullptr)
    return std::unexpected(not_found_vhost(command.vhost));
  if (tables_.users.find(command.user) == nullptr)
    return std::unexpected(not_found_user(command.user));
  applied.outcome.created = tables_.permissions.find({command.vhost, command.user}) == nullptr;
  tables_.permissions.put(
      PermissionInfo{command.user, command.vhost, command.configure, command.write, command.read});
  return {};
}

Result<void> Catalog::run(const DeletePermission& command, Applied&) {
  tables_.permissions.erase({command.vhost, command.user});
  return {};
}

}  // namespace warren::catalog
