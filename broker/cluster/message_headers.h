// What routing wants to know of a message beside its key: the header table and properties, read
// from the octets that the publisher sent. Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/amqp/properties.h"
#include "broker/base/result.h"
#include "broker/routing/message.h"

namespace warren::cluster {

// The keys of the CC and BCC headers. Error: 406 when one is no array of strings.
Result<std::vector<std::string>> extra_routing_keys(const amqp::PropertyScan& properties);

// The message's headers and properties for the exchanges that want them; decodes them on the first
// look.
class MessageHeaders final : public routing::HeaderView {
 public:
  // `properties` and what it views must outlive this.
  explicit MessageHeaders(const amqp::PropertyScan& properties) : properties_(properties) {}
  std::optional<routing::HeaderValue> lookup(std::string_view name) const override;
  std::optional<std::string_view> property(std::string_view name) const override;

 private:
  const amqp::PropertyScan& properties_;
  mutable std::optional<amqp::FieldTable> table_;
  mutable std::string text_;
};

}  // namespace warren::cluster
