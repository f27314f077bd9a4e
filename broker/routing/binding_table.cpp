#include "broker/routing/binding_table.h"

#include "broker/base/check.h"

namespace warren::routing {

std::optional<ExchangeType> exchange_type_of(std::string_view name) {
  if (name == "direct") return ExchangeType::direct;
  if (name == "fanout") return ExchangeType::fanout;
  if (name == "topic") return ExchangeType::topic;
  if (name == "headers") return ExchangeType::headers;
  return std::nullopt;
}

BindingTable::BindingTable(ExchangeType type) {
  switch (type) {
    case ExchangeType::direct:
      table_.emplace<Direct>();
      break;
    case ExchangeType::fanout:
      table_.emplace<TargetSet>();
      break;
    case ExchangeType::topic:
      table_.emplace<TopicTrie>();
      break;
    case ExchangeType::headers:
      table_.emplace<HeadersTable>();
      break;
  }
}

Result<void> BindingTable::check(const Binding& binding) const {
  if (!std::holds_alternative<HeadersTable>(table_)) return {};
  Result<HeaderPattern> pattern = HeaderPattern::from(binding.arguments);
  if (!pattern) return std::unexpected(pattern.error());
  return {};
}

void BindingTable::add(const Binding& binding) {
  if (auto* direct = std::get_if<Direct>(&table_)) {
    const KeyRow* row = direct->find(binding.routing_key);
    KeyRow changed = row ? *row : KeyRow{std::string(binding.routing_key), {}};
    changed.targets.add(binding.target);
    direct->put(std::move(changed));
  } else if (auto* fanout = std::get_if<TargetSet>(&table_)) {
    fanout->add(binding.target);
  } else if (auto* topic = std::get_if<TopicTrie>(&table_)) {
    topic->add(binding.routing_key, binding.target);
  } else {
    Result<HeaderPattern> pattern = HeaderPattern::from(binding.arguments);
    CHECK(pattern.has_value(), "unchecked binding arguments");
    std::get<HeadersTable>(table_).add(binding.target, identity_of(binding.arguments), *pattern);
  }
}

void BindingTable::remove(const Binding& binding) {
  if (auto* direct = std::get_if<Direct>(&table_)) {
    const KeyRow* row = direct->find(binding.routing_key);
    if (row == nullptr) return;
    KeyRow changed = *row;
    changed.targets.remove(binding.target);
    if (changed.targets.empty())
      direct->erase(binding.routing_key);
    else
      direct->put(std::move(changed));
  } else if (auto* fanout = std::get_if<TargetSet>(&table_)) {
    fanout->remove(binding.target);
  } else if (auto* topic = std::get_if<TopicTrie>(&table_)) {
    topic->remove(binding.routing_key, binding.target);
  } else {
    std::get<HeadersTable>(table_).remove(binding.target, identity_of(binding.arguments));
  }
}

void BindingTable::match(std::string_view routing_key, const HeaderView* headers,
                         Matched& matched) const {
  if (auto* direct = std::get_if<Direct>(&table_)) {
    if (const KeyRow* row = direct->find(routing_key)) row->targets.append_to(matched);
  } else if (auto* fanout = std::get_if<TargetSet>(&table_)) {
    fanout->append_to(matched);
  } else if (auto* topic = std::get_if<TopicTrie>(&table_)) {
    topic->match(routing_key, matched);
  } else {
    std::get<HeadersTable>(table_).match(headers, matched);
  }
}

}  // namespace warren::routing
