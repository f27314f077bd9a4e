#include "broker/frontend/handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/amqp/table.h"

namespace warren::frontend {

namespace {

// Those of RabbitMQ, all of which hold here.
constexpr std::string_view capabilities[] = {
    "publisher_confirms",           "exchange_exchange_bindings", "basic.nack",
    "consumer_cancel_notify",       "connection.blocked",         "consumer_priorities",
    "authentication_failure_close", "per_consumer_qos",           "direct_reply_to"};

std::unexpected<Error> malformed(std::string_view mechanism) {
  return fail(ReplyCode::syntax_error,
              fmt::format("malformed response of authentication mechanism {}", mechanism));
}

// RFC 4616: [authorization identity] NUL user NUL password.
Result<Credentials> read_plain(std::string_view response) {
  const std::size_t first = response.find('\0');
  if (first == std::string_view::npos) return malformed("PLAIN");
  const std::size_t second = response.find('\0', first + 1);
  if (second == std::string_view::npos) return malformed("PLAIN");
  if (response.find('\0', second + 1) != std::string_view::npos) return malformed("PLAIN");
  return Credentials{std::string(response.substr(first + 1, second - first - 1)),
                     std::string(response.substr(second + 1))};
}

// A field table without its length: LOGIN and PASSWORD.
Result<Credentials> read_amqplain(std::string_view response) {
  Result<amqp::FieldTable> table = amqp::decode_table_fields(response);
  if (!table) return malformed("AMQPLAIN");
  const auto user = table->as_string("LOGIN");
  const auto password = table->as_string("PASSWORD");
  if (!user || !password) return malformed("AMQPLAIN");
  return Credentials{std::string(*user), std::string(*password)};
}

Result<void> check_limit(std::string_view name, std::uint32_t asked, std::uint32_t least,
                         std::uint32_t ours) {
  if (asked != 0 && asked < least)
    return fail(ReplyCode::not_allowed,
                fmt::format("negotiated {} = {} is lower than the minimum allowed value ({})", name,
                            asked, least));
  if (ours != 0 && (asked == 0 || asked > ours))
    return fail(ReplyCode::not_allowed,
                fmt::format("negotiated {} = {} is higher than the maximum allowed value ({})",
                            name, asked, ours));
  return {};
}

}  // namespace

Capabilities read_capabilities(const amqp::FieldTable& client_properties) {
  const amqp::FieldTable* table = client_properties.as_table("capabilities");
  if (table == nullptr) return {};
  auto has = [table](std::string_view name) { return table->as_bool(name).value_or(false); };
  return {has("consumer_cancel_notify"), has("connection.blocked"),
          has("authentication_failure_close")};
}

amqp::ConnectionStart make_start(const Settings& settings, std::string_view cluster_name) {
  amqp::FieldTable can;
  for (std::string_view name : capabilities)
    can.add(std::string(name), true);
  amqp::ConnectionStart start;
  start.server_properties.add("capabilities", std::move(can));
  start.server_properties.add("cluster_name", cluster_name);
  start.server_properties.add("copyright", settings.copyright);
  start.server_properties.add("information", settings.information);
  start.server_properties.add("platform", settings.platform);
  start.server_properties.add("product", settings.product);
  start.server_properties.add("version", settings.version);
  start.mechanisms.value = fmt::format("{}", fmt::join(settings.mechanisms, " "));
  start.locales.value = "en_US";
  return start;
}

Result<Credentials> read_response(const Settings& settings, const amqp::ConnectionStartOk& method) {
  const auto& offered = settings.mechanisms;
  if (std::ranges::find(offered, method.mechanism) != offered.end()) {
    if (method.mechanism == "PLAIN") return read_plain(method.response.value);
    if (method.mechanism == "AMQPLAIN") return read_amqplain(method.response.value);
  }
  return fail(ReplyCode::command_invalid,
              fmt::format("unknown authentication mechanism '{}'", method.mechanism));
}

Error login_refused(std::string_view mechanism) {
  return {ReplyCode::access_refused,
          fmt::format("Login was refused using authentication mechanism {}. For details see the "
                      "broker logfile.",
                      mechanism)};
}

Result<Tuned> negotiate(const Settings& settings, const amqp::ConnectionTuneOk& method) {
  if (auto checked = check_limit("frame_max", method.frame_max, settings.frame_max_minimum,
                                 settings.frame_max);
      !checked)
    return std::unexpected(checked.error());
  if (auto checked = check_limit("channel_max", method.channel_max, 1, settings.channel_max);
      !checked)
    return std::unexpected(checked.error());
  return Tuned{method.channel_max, method.frame_max, method.heartbeat_seconds};
}

bool may_come_from(const Settings& settings, std::string_view user, bool loopback) {
  return loopback ||
         std::ranges::find(settings.loopback_users, user) == settings.loopback_users.end();
}

}  // namespace warren::frontend
