#include "broker/catalog/snapshot.h"

#include "broker/catalog/placement.h"

namespace warren::catalog {

namespace {

// The exchanges and queues of one vhost, as routing asks for them.
class VhostDirectory final : public routing::Directory {
 public:
  VhostDirectory(const Tables& tables, std::string_view vhost) : tables_(tables), vhost_(vhost) {}

  std::optional<routing::ExchangeView> exchange(std::string_view name) const override {
    const ExchangeRecord* record = tables_.exchanges.find({vhost_, name});
    if (record == nullptr) return std::nullopt;
    return routing::ExchangeView{&record->bindings, record->info->has_alternate,
                                 record->info->alternate, record->info->internal,
                                 record->info->history};
  }
  QueueId queue(std::string_view name) const override {
    const QueueInfo* queue = tables_.queues.find({vhost_, name});
    return queue == nullptr ? QueueId() : queue->id;
  }

 private:
  const Tables& tables_;
  std::string_view vhost_;
};

template <typename Map, typename Visit, typename Key>
void visit_sorted(const Map& map, const Visit& visit, Key key) {
  auto less = [&](const auto& a, const auto& b) { return key(a) < key(b); };
  for (const auto* item : map.sorted(less))
    visit(*item);
}

}  // namespace

const ExchangeInfo* Snapshot::exchange(std::string_view vhost, std::string_view name) const {
  const ExchangeRecord* record = tables_.exchanges.find({vhost, name});
  return record == nullptr ? nullptr : record->info.get();
}
const QueueInfo* Snapshot::queue(std::string_view vhost, std::string_view name) const {
  return tables_.queues.find({vhost, name});
}
const QueueInfo* Snapshot::queue(QueueId id) const {
  return tables_.queues_by_id.find(id);
}
const UserInfo* Snapshot::user(std::string_view name) const {
  return tables_.users.find(name);
}
bool Snapshot::vhost_exists(std::string_view name) const {
  return tables_.vhosts.find(name) != nullptr;
}
const PermissionInfo* Snapshot::permission(std::string_view user, std::string_view vhost) const {
  return tables_.permissions.find({vhost, user});
}
const NodeInfo* Snapshot::node(NodeId id) const {
  return tables_.nodes.find(id);
}
const NodeInfo* Snapshot::node(std::string_view name) const {
  return find_node(tables_, name);
}
const GroupInfo* Snapshot::group(GroupId id) const {
  return tables_.groups.find(id);
}

std::optional<GroupId> Snapshot::choose_led_group(std::span<const GroupId> led) const {
  return catalog::choose_led_group(tables_, led);
}

RouteResult Snapshot::route(std::string_view vhost, std::string_view exchange,
                            const Message& message, std::vector<QueueId>& out) const {
  return routing::route(VhostDirectory(tables_, vhost), exchange, message, out);
}

void Snapshot::for_each_vhost(const std::function<void(const VhostInfo&)>& visit) const {
  visit_sorted(tables_.vhosts, visit, ByName<VhostInfo>::key);
}
void Snapshot::for_each_user(const std::function<void(const UserInfo&)>& visit) const {
  visit_sorted(tables_.users, visit, ByName<UserInfo>::key);
}
void Snapshot::for_each_permission(const std::function<void(const PermissionInfo&)>& visit) const {
  visit_sorted(tables_.permissions, visit, ByPermission::key);
}
void Snapshot::for_each_exchange(const std::function<void(const ExchangeInfo&)>& visit) const {
  auto visit_info = [&](const ExchangeRecord& record) { visit(*record.info); };
  visit_sorted(tables_.exchanges, visit_info, ByExchange::key);
}
void Snapshot::for_each_queue(const std::function<void(const QueueInfo&)>& visit) const {
  visit_sorted(tables_.queues, visit, ByPair<QueueInfo>::key);
}
void Snapshot::for_each_binding(const std::function<void(const BindingInfo&)>& visit) const {
  visit_sorted(tables_.bindings, visit, ByBinding::key);
}
void Snapshot::for_each_node(const std::function<void(const NodeInfo&)>& visit) const {
  visit_sorted(tables_.nodes, visit, ById<NodeInfo>::key);
}
void Snapshot::for_each_group(const std::function<void(const GroupInfo&)>& visit) const {
  visit_sorted(tables_.groups, visit, ById<GroupInfo>::key);
}

}  // namespace warren::catalog
