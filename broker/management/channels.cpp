// GET /api/channels[/name], /api/vhosts/vhost/channels, /api/connections/name/channels
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object channel_json(const inspect::Channel& channel) {
  return {{"name", channel.name()},
          {"number", channel.number},
          {"connection_details", json::object{{"name", channel.connection}}},
          {"node", channel.node},
          {"user", channel.user},
          {"vhost", channel.vhost},
          {"state", channel.state},
          {"confirm", channel.confirm},
          {"transactional", channel.transactional},
          {"consumer_count", channel.consumer_count},
          {"messages_unacknowledged", channel.messages_unacknowledged},
          {"messages_unconfirmed", channel.messages_unconfirmed},
          {"messages_uncommitted", channel.messages_uncommitted},
          {"acks_uncommitted", channel.acks_uncommitted},
          {"prefetch_count", channel.prefetch_count},
          {"global_prefetch_count", channel.global_prefetch_count}};
}

}  // namespace

boost::asio::awaitable<Response> get_channels(inspect::Inspector& inspector, Request request) {
  const Visible visible = co_await Visible::of(inspector, request);
  const bool one = request.part.contains("name");
  const bool of_connection = request.part.contains("connection");
  json::array rows;
  for (const auto& row : co_await collect<inspect::Channel>(inspector, request.at("vhost"))) {
    if (!visible.user(row.user) || (one && row.name() != request.at("name"))) continue;
    if (of_connection && row.connection != request.at("connection")) continue;
    rows.push_back(channel_json(row));
  }
  if (one) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
