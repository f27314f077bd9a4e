#include "broker/ctl/verbs.h"

namespace warren::ctl {

namespace {

Verb list_queues() {
  return {"list_queues",
          "Queues of a virtual host",
          "Listing queues for vhost {vhost} ...",
          "/api/queues/{vhost}",
          {"name", "messages"},
          {{"name", "name"},
           {"durable", "durable"},
           {"auto_delete", "auto_delete"},
           {"arguments", "arguments"},
           {"policy", "policy"},
           {"operator_policy", "operator_policy"},
           {"effective_policy_definition", "effective_policy_definition"},
           {"pid", "node"},
           {"owner_pid", "owner_pid_details.name"},
           {"exclusive", "exclusive"},
           {"messages_ready", "messages_ready"},
           {"messages_unacknowledged", "messages_unacknowledged"},
           {"messages", "messages"},
           {"messages_delayed", "messages_delayed"},
           {"message_bytes", "message_bytes"},
           {"consumers", "consumers"},
           {"state", "state"},
           {"type", "type"},
           {"leader", "leader"},
           {"members", "members"},
           {"online", "online"},
           {"group", "warren_group"}},
          true};
}

Verb list_exchanges() {
  return {"list_exchanges",
          "Exchanges of a virtual host",
          "Listing exchanges for vhost {vhost} ...",
          "/api/exchanges/{vhost}",
          {"name", "type"},
          {{"name", "name"},
           {"type", "type"},
           {"durable", "durable"},
           {"auto_delete", "auto_delete"},
           {"internal", "internal"},
           {"arguments", "arguments"},
           {"policy", "policy"}}};
}

Verb list_bindings() {
  return {"list_bindings",
          "Bindings of a virtual host",
          "Listing bindings for vhost {vhost}...",
          "/api/bindings/{vhost}",
          {"source_name", "source_kind", "destination_name", "destination_kind", "routing_key",
           "arguments"},
          {{"source_name", "source"},
           {"source_kind", "=exchange"},
           {"destination_name", "destination"},
           {"destination_kind", "destination_type"},
           {"routing_key", "routing_key"},
           {"arguments", "arguments"}}};
}

Verb list_connections() {
  return {"list_connections",
          "AMQP connections",
          "Listing connections ...",
          "/api/connections",
          {"user", "peer_host", "peer_port", "state"},
          {{"pid", "name"},
           {"name", "name"},
           {"user_provided_name", "user_provided_name"},
           {"node", "node"},
           {"port", "port"},
           {"host", "host"},
           {"peer_port", "peer_port"},
           {"peer_host", "peer_host"},
           {"ssl", "ssl"},
           {"state", "state"},
           {"channels", "channels"},
           {"protocol", "protocol"},
           {"auth_mechanism", "auth_mechanism"},
           {"user", "user"},
           {"vhost", "vhost"},
           {"timeout", "timeout"},
           {"frame_max", "frame_max"},
           {"channel_max", "channel_max"},
           {"client_properties", "client_properties"},
           {"connected_at", "connected_at"},
           {"recv_oct", "recv_oct"},
           {"send_oct", "send_oct"},
           {"send_pend", "send_pend"}}};
}

Verb list_channels() {
  return {"list_channels",
          "AMQP channels",
          "Listing channels ...",
          "/api/channels",
          {"pid", "user", "consumer_count", "messages_unacknowledged"},
          {{"pid", "name"},
           {"name", "name"},
           {"connection", "connection_details.name"},
           {"number", "number"},
           {"node", "node"},
           {"user", "user"},
           {"vhost", "vhost"},
           {"transactional", "transactional"},
           {"confirm", "confirm"},
           {"state", "state"},
           {"consumer_count", "consumer_count"},
           {"messages_unacknowledged", "messages_unacknowledged"},
           {"messages_uncommitted", "messages_uncommitted"},
           {"acks_uncommitted", "acks_uncommitted"},
           {"messages_unconfirmed", "messages_unconfirmed"},
           {"prefetch_count", "prefetch_count"},
           {"global_prefetch_count", "global_prefetch_count"}}};
}

Verb list_consumers() {
  return {"list_consumers",
          "Consumers of a virtual host",
          "Listing consumers in vhost {vhost} ...",
          "/api/consumers/{vhost}",
          {"queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count", "active",
           "arguments"},
          {{"queue_name", "queue.name"},
           {"channel_pid", "channel_details.name"},
           {"consumer_tag", "consumer_tag"},
           {"ack_required", "ack_required"},
           {"prefetch_count", "prefetch_count"},
           {"active", "active"},
           {"activity_status", "activity_status"},
           {"arguments", "arguments"}}};
}

Verb list_vhosts() {
  return {"list_vhosts",
          "Virtual hosts",
          "Listing vhosts ...",
          "/api/vhosts",
          {"name"},
          {{"name", "name"},
           {"tracing", "tracing"},
           {"description", "description"},
           {"tags", "tags"},
           {"default_queue_type", "default_queue_type"}}};
}

Verb list_users() {
  return {"list_users", "Users and their tags", "Listing users ...",
          "/api/users", {"user", "tags"},       {{"user", "name"}, {"tags", "tags"}}};
}

Verb list_permissions() {
  return {"list_permissions",
          "Permissions in a virtual host",
          "Listing permissions for vhost \"{vhost}\" ...",
          "/api/vhosts/{vhost}/permissions",
          {"user", "configure", "write", "read"},
          {{"user", "user"}, {"configure", "configure"}, {"write", "write"}, {"read", "read"}}};
}

Verb list_groups() {
  return {"list_groups",
          "Raft groups: leader, members, log range, lag",
          "Listing groups ...",
          "/api/warren/groups",
          {"group", "kind", "leader", "members", "term", "first_entry", "last_entry", "lag"},
          {{"group", "group"},
           {"kind", "kind"},
           {"leader", "leader"},
           {"members", "members"},
           {"term", "term"},
           {"first_entry", "first_entry"},
           {"last_entry", "last_entry"},
           {"commit", "commit"},
           {"applied", "applied"},
           {"snapshot", "snapshot"},
           {"lag", "lag"},
           {"queues", "queues"},
           {"messages", "messages"},
           {"log_bytes", "log_bytes"}}};
}

}  // namespace

std::span<const Verb> listing_verbs() {
  static const std::vector<Verb> verbs{
      list_queues(),    list_exchanges(), list_bindings(), list_connections(), list_channels(),
      list_consumers(), list_vhosts(),    list_users(),    list_permissions(), list_groups()};
  return verbs;
}

}  // namespace warren::ctl
