// GET /api/queues[/vhost[/name]]
#include <algorithm>

#include "broker/management/arguments.h"
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

// What RabbitMQ's clients take it for: all that is replicated, and no stream, is a quorum queue.
std::string_view type_of(const inspect::Queue& queue) {
  const auto names_stream = [](const inspect::Argument& argument) {
    return argument.name == "x-queue-type" && argument.value == "stream";
  };
  if (std::ranges::any_of(queue.arguments, names_stream)) return "stream";
  return is_local(queue.group) ? "classic" : "quorum";
}

json::object queue_json(const inspect::Queue& queue) {
  const bool replicated = !is_local(queue.group);
  json::object out{{"name", queue.name},
                   {"vhost", queue.vhost},
                   {"type", type_of(queue)},
                   {"durable", queue.durable},
                   {"auto_delete", queue.auto_delete},
                   {"exclusive", queue.exclusive},
                   {"arguments", arguments_json(queue.arguments)},
                   {"node", queue.node},
                   {"state", queue.state},
                   {"policy", nullptr},
                   {"operator_policy", nullptr},
                   {"effective_policy_definition", json::object{}},
                   {"warren_group", queue.group.value},
                   {"warren_id", queue.id.value}};
  if (replicated) {
    out["leader"] = queue.node;
    out["members"] = strings(queue.members);
    out["online"] = strings(queue.online);
  }
  if (queue.exclusive) out["owner_pid_details"] = json::object{{"name", queue.owner_connection}};
  if (queue.counted) {
    out["messages"] = queue.messages_ready + queue.messages_unacknowledged + queue.messages_delayed;
    out["messages_ready"] = queue.messages_ready;
    out["messages_unacknowledged"] = queue.messages_unacknowledged;
    out["messages_delayed"] = queue.messages_delayed;
    out["message_bytes"] = queue.message_bytes;
    out["consumers"] = queue.consumers;
  }
  return out;
}

}  // namespace

boost::asio::awaitable<Response> get_queues(inspect::Inspector& inspector, Request request) {
  const Visible visible = co_await Visible::of(inspector, request);
  const auto name = request.part.find("name");
  json::array rows;
  for (const auto& queue : co_await collect<inspect::Queue>(inspector, request.at("vhost"))) {
    if (!visible.vhost(queue.vhost)) continue;
    if (name != request.part.end() && queue.name != name->second) continue;
    rows.push_back(queue_json(queue));
  }
  if (name != request.part.end()) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
