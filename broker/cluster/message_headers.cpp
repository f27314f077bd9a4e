#include "broker/cluster/message_headers.h"

#include <fmt/format.h>

namespace warren::cluster {

Result<std::vector<std::string>> extra_routing_keys(const amqp::PropertyScan& properties) {
  std::vector<std::string> keys;
  if (!properties.has_cc && !properties.has_bcc) return keys;
  const amqp::FieldTable table = amqp::headers_of(properties);
  for (std::string_view name : {"CC", "BCC"}) {
    const amqp::FieldValue* value = table.find(name);
    if (value == nullptr) continue;
    const auto* array = value->get_if<amqp::FieldArray>();
    if (array == nullptr)
      return fail(ReplyCode::precondition_failed,
                  fmt::format("invalid message: {{unacceptable_type_in_header,\"{}\",{}}}", name,
                              amqp::type_name(*value)));
    for (const amqp::FieldValue& element : array->values)
      if (const std::string* key = element.get_if<std::string>()) keys.push_back(*key);
  }
  return keys;
}

std::optional<routing::HeaderValue> MessageHeaders::lookup(std::string_view name) const {
  if (!table_) table_ = amqp::headers_of(properties_);
  const amqp::FieldValue* value = table_->find(name);
  if (value == nullptr) return std::nullopt;
  text_ = amqp::to_string(*value);
  return routing::HeaderValue{amqp::type_name(*value), text_};
}

std::optional<std::string_view> MessageHeaders::property(std::string_view name) const {
  if (name == "message_id") return properties_.message_id;
  if (name == "correlation_id") return properties_.correlation_id;
  if (name != "timestamp" || !properties_.timestamp) return std::nullopt;
  text_ = std::to_string(*properties_.timestamp);
  return text_;
}

}  // namespace warren::cluster
