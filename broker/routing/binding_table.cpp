#include "broker/routing/binding_table.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

namespace warren::routing {

std::optional<ExchangeType> exchange_type_of(std::string_view name) {
  auto found = std::ranges::find(exchange_type_names, name);
  if (found == exchange_type_names.end()) return std::nullopt;
  return static_cast<ExchangeType>(found - exchange_type_names.begin());
}

BindingTable::BindingTable(ExchangeType type, HashOn on) {
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
    case ExchangeType::consistent_hash:
      table_.emplace<HashedTable>(HashedTable::Choice::consistent, std::move(on));
      break;
    case ExchangeType::modulus_hash:
      table_.emplace<HashedTable>(HashedTable::Choice::modulus);
      break;
    case ExchangeType::random:
      table_.emplace<HashedTable>(HashedTable::Choice::random);
      break;
    case ExchangeType::delayed:
    case ExchangeType::recent_history:
      CHECK(false, "an exchange routes as one type");
  }
}

Result<void> BindingTable::check(const Binding& binding) const {
  if (const auto* hashed = std::get_if<HashedTable>(&table_))
    return hashed->check(binding.routing_key);
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
  } else if (auto* hashed = std::get_if<HashedTable>(&table_)) {
    hashed->add(binding.target, binding.routing_key);
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
  } else if (auto* hashed = std::get_if<HashedTable>(&table_)) {
    hashed->remove(binding.target, binding.routing_key);
  } else {
    std::get<HeadersTable>(table_).remove(binding.target, identity_of(binding.arguments));
  }
}

void BindingTable::match(const Message& message, Matched& matched) const {
  if (auto* direct = std::get_if<Direct>(&table_)) {
    if (const KeyRow* row = direct->find(message.routing_key)) row->targets.append_to(matched);
    for (const std::string& key : message.copies)
      if (const KeyRow* row = direct->find(key)) row->targets.append_to(matched);
  } else if (auto* fanout = std::get_if<TargetSet>(&table_)) {
    fanout->append_to(matched);
  } else if (auto* topic = std::get_if<TopicTrie>(&table_)) {
    topic->match(message.routing_key, matched);
    for (const std::string& key : message.copies)
      topic->match(key, matched);
  } else if (auto* headers = std::get_if<HeadersTable>(&table_)) {
    headers->match(message.headers, matched);
  } else {
    std::get<HashedTable>(table_).match(message, matched);
  }
}

}  // namespace warren::routing
