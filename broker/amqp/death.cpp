#include "broker/amqp/death.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace warren::amqp {

namespace {

constexpr std::string_view deaths_header = "x-death";
// Below the frame that clients take by default, 128 KiB.
constexpr std::size_t properties_limit = 127 * 1024;

// Queue, reason and exchange of a death under "x-first-death-queue" and the like.
void tell(FieldTable& headers, const std::string& prefix, const Death& death) {
  headers.set(prefix + "reason", death.reason);
  headers.set(prefix + "queue", death.queue);
  headers.set(prefix + "exchange", death.exchange);
}

void forget_deaths(FieldTable& headers) {
  headers.erase(deaths_header);
  for (const char* prefix : {"x-first-death-", "x-last-death-"})
    for (const char* what : {"reason", "queue", "exchange"})
      headers.erase(std::string(prefix) + what);
}

FieldArray routing_keys(const Death& death, const FieldTable& headers) {
  FieldArray keys{{FieldValue(death.routing_key)}};
  const FieldValue* copies = headers.find("CC");
  const auto* array = copies == nullptr ? nullptr : copies->get_if<FieldArray>();
  if (array == nullptr) return keys;
  for (const FieldValue& copy : array->values)
    if (copy.get_if<std::string>() != nullptr) keys.values.push_back(copy);
  return keys;
}

FieldTable first_of_its_kind(const Death& death, const BasicProperties& properties) {
  FieldTable entry{
      {"count", std::int64_t{1}},   {"reason", death.reason},
      {"queue", death.queue},       {"time", Timestamp{death.seconds}},
      {"exchange", death.exchange}, {"routing-keys", routing_keys(death, *properties.headers)}};
  if (properties.expiration) entry.add("original-expiration", *properties.expiration);
  return entry;
}

bool is_same(const FieldValue& entry, const Death& death) {
  const auto* table = entry.get_if<FieldTable>();
  return table != nullptr && table->as_string("queue") == death.queue &&
         table->as_string("reason") == death.reason;
}

FieldArray deaths_of(const FieldTable& headers) {
  const FieldValue* value = headers.find(deaths_header);
  const auto* deaths = value == nullptr ? nullptr : value->get_if<FieldArray>();
  return deaths == nullptr ? FieldArray() : *deaths;
}

FieldArray with_newest(FieldArray deaths, const Death& death, const BasicProperties& properties) {
  auto same = std::ranges::find_if(deaths.values,
                                   [&](const FieldValue& entry) { return is_same(entry, death); });
  FieldTable newest;
  if (same == deaths.values.end()) {
    newest = first_of_its_kind(death, properties);
  } else {
    newest = *same->get_if<FieldTable>();
    newest.set("count", newest.as_integer("count").value_or(0) + 1);
    deaths.values.erase(same);
  }
  deaths.values.insert(deaths.values.begin(), FieldValue(std::move(newest)));
  return deaths;
}

// A header frame is not split, and what is read of tables is bounded.
bool fits(const std::string& raw) {
  return raw.size() <= properties_limit && scan_properties(raw).has_value();
}

// Of every death what tells of cycles and counts.
FieldArray without_keys(FieldArray deaths) {
  for (FieldValue& value : deaths.values)
    if (const auto* death = value.get_if<FieldTable>()) {
      FieldTable slim = *death;
      slim.erase("routing-keys");
      value = FieldValue(std::move(slim));
    }
  return deaths;
}

DeadProperties within_bounds(BasicProperties properties, const Death& death) {
  std::string raw = encode_properties(properties);
  if (fits(raw)) return {std::move(properties), std::move(raw)};
  FieldTable& headers = *properties.headers;
  FieldArray deaths = without_keys(deaths_of(headers));
  headers.set(deaths_header, deaths);
  raw = encode_properties(properties);
  if (fits(raw)) return {std::move(properties), std::move(raw)};
  headers = FieldTable{{std::string(deaths_header), deaths}};
  tell(headers, "x-first-death-", death);
  tell(headers, "x-last-death-", death);
  for (raw = encode_properties(properties); !fits(raw); raw = encode_properties(properties)) {
    deaths.values.resize((deaths.values.size() + 1) / 2);
    headers.set(deaths_header, deaths);
  }
  return {std::move(properties), std::move(raw)};
}

}  // namespace

DeadProperties with_death(std::string_view raw, const Death& death, bool known, bool keeps_copies) {
  BasicProperties properties = decode_properties(raw).value_or(BasicProperties());
  if (!properties.headers) properties.headers.emplace();
  FieldTable& headers = *properties.headers;
  if (!known) forget_deaths(headers);
  headers.set(deaths_header, with_newest(deaths_of(headers), death, properties));
  if (!headers.contains("x-first-death-queue")) tell(headers, "x-first-death-", death);
  tell(headers, "x-last-death-", death);
  properties.expiration.reset();
  if (!keeps_copies) headers.erase("CC");
  return within_bounds(std::move(properties), death);
}

bool completes_cycle(const FieldTable& headers, std::string_view queue) {
  for (const FieldValue& value : deaths_of(headers).values) {
    const auto* death = value.get_if<FieldTable>();
    if (death == nullptr) continue;
    if (death->as_string("reason") == "rejected") return false;
    if (death->as_string("queue") == queue) return true;
  }
  return false;
}

}  // namespace warren::amqp
