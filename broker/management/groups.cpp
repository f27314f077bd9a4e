// GET /api/warren/groups: every Raft group with its leader, members, log range and lag.
// GET /api/warren/digests: what each member of each has applied, as a checksum.
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object group_json(const inspect::Group& group) {
  json::array members;
  for (const auto& member : group.members) {
    members.push_back(json::object{{"node", member.name},
                                   {"voter", member.voter},
                                   {"online", member.online},
                                   {"match", member.match}});
  }
  return {{"group", group.id.value},
          {"kind", group.kind},
          {"leader", group.leader},
          {"members", std::move(members)},
          {"term", group.term},
          {"first_entry", group.first_entry},
          {"last_entry", group.last_entry},
          {"commit", group.commit},
          {"applied", group.applied},
          {"snapshot", group.snapshot},
          {"lag", group.lag},
          {"queues", group.queues},
          {"messages", group.messages},
          {"log_bytes", group.log_bytes}};
}

}  // namespace

boost::asio::awaitable<Response> get_groups(inspect::Inspector& inspector, Request request) {
  if (!request.is_monitor()) co_return not_authorised("Not monitor user");
  json::array rows;
  for (const auto& row : co_await collect<inspect::Group>(inspector, "")) {
    rows.push_back(group_json(row));
  }
  co_return list_response(request, std::move(rows));
}

boost::asio::awaitable<Response> get_digests(inspect::Inspector& inspector, Request request) {
  if (!request.is_administrator()) co_return not_authorised("Not administrator user");
  json::array rows;
  for (const auto& row : co_await collect<inspect::GroupDigest>(inspector, "")) {
    rows.push_back(json::object{{"group", row.group.value},
                                {"node", row.node},
                                {"applied", row.applied},
                                {"digest", row.sum}});
  }
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
