// GET /api/consumers[/vhost]
#include "broker/management/arguments.h"
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object consumer_json(const inspect::Consumer& consumer) {
  return {{"consumer_tag", consumer.tag},
          {"queue", json::object{{"name", consumer.queue}, {"vhost", consumer.vhost}}},
          {"channel_details", json::object{{"name", consumer.channel},
                                           {"connection_name", consumer.connection},
                                           {"node", consumer.node},
                                           {"user", consumer.user}}},
          {"ack_required", consumer.ack_required},
          {"exclusive", consumer.exclusive},
          {"active", consumer.active},
          {"activity_status", consumer.activity_status},
          {"prefetch_count", consumer.prefetch_count},
          {"arguments", arguments_json(consumer.arguments)}};
}

}  // namespace

boost::asio::awaitable<Response> get_consumers(inspect::Inspector& inspector, Request request) {
  const Visible visible = co_await Visible::of(inspector, request);
  json::array rows;
  for (const auto& row : co_await collect<inspect::Consumer>(inspector, request.at("vhost"))) {
    if (visible.vhost(row.vhost)) rows.push_back(consumer_json(row));
  }
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
