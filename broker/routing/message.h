// What routing looks at of a publish: its keys, its headers and properties, and one draw of
// randomness. Pure views: they live as long as the call that is given them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace warren::routing {

// A field as the catalog's Argument has it: type as RabbitMQ names it, value in canonical text.
struct HeaderValue {
  std::string_view type;
  std::string_view value;
};

// A message's header table and properties, looked at only by the exchanges that want them. The
// views that it returns live until the next call.
class HeaderView {
 public:
  virtual ~HeaderView() = default;
  virtual std::optional<HeaderValue> lookup(std::string_view name) const = 0;
  // message_id, correlation_id, or timestamp in decimal digits.
  virtual std::optional<std::string_view> property(std::string_view name) const = 0;
};

struct Message {
  std::string_view routing_key;
  const HeaderView* headers = nullptr;  // null: none
  std::span<const std::string> copies;  // the keys of CC and BCC
  std::uint64_t random = 0;             // another for each publish: what x-random chooses by
  bool from_broker = false;             // internal exchanges take it: a dead letter
};

}  // namespace warren::routing
