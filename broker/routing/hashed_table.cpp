#include "broker/routing/hashed_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "broker/base/check.h"
#include "broker/routing/stable_hash.h"

namespace warren::routing {

namespace {

constexpr std::uint64_t points_a_unit = 8;
constexpr std::uint64_t probes = 21;  // the fullest target has a twentieth more than its share
constexpr std::array<std::string_view, 3> hashed_properties{"correlation_id", "message_id",
                                                            "timestamp"};

// Nothing: no positive integer.
std::optional<std::uint64_t> parse_weight(std::string_view text) {
  std::uint64_t weight = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), weight);
  if (fault == std::errc::result_out_of_range) return HashedTable::most_weight + 1;
  if (fault != std::errc{} || end != text.data() + text.size() || weight == 0) return std::nullopt;
  return weight;
}

const HeaderField* find_field(std::span<const HeaderField> arguments, std::string_view name) {
  auto found = std::ranges::find(arguments, name, &HeaderField::name);
  return found == arguments.end() ? nullptr : &*found;
}

std::uint64_t position_of(const HashRing::Owner& owner, std::uint64_t number) {
  // Mixed one after the other: small numbers side by side would meet in each other's places.
  return stable_hash(owner.exchange, hash_mix(hash_mix(owner.queue.value, 0), number));
}

// Evenly over 0 to bound - 1.
std::uint64_t scaled(std::uint64_t random, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(random) * bound) >> 64);
}

}  // namespace

Result<HashOn> HashOn::from(std::span<const HeaderField> arguments) {
  const HeaderField* header = find_field(arguments, "hash-header");
  const HeaderField* property = find_field(arguments, "hash-property");
  for (const HeaderField* field : {header, property})
    if (field != nullptr && field->type != "longstr")
      return fail(ReplyCode::precondition_failed,
                  fmt::format("invalid type '{}' for arg '{}'", field->type, field->name));
  if (header != nullptr && property != nullptr)
    return fail(ReplyCode::precondition_failed,
                "hash-header and hash-property are mutually exclusive");
  if (header != nullptr) return HashOn{What::header, header->value};
  if (property == nullptr) return HashOn{};
  if (std::ranges::find(hashed_properties, property->value) == hashed_properties.end())
    return fail(ReplyCode::precondition_failed,
                fmt::format("Unsupported property: {}", property->value));
  return HashOn{What::property, property->value};
}

Result<void> HashedTable::check(std::string_view routing_key) const {
  if (choice_ != Choice::consistent) return {};
  const std::optional<std::uint64_t> weight = parse_weight(routing_key);
  if (!weight)
    return fail(
        ReplyCode::precondition_failed,
        fmt::format("The binding key must be an integer greater than 0: '{}'", routing_key));
  if (*weight > most_weight - std::min(total_weight_, most_weight))
    return fail(
        ReplyCode::precondition_failed,
        fmt::format("The binding keys of an exchange of type x-consistent-hash are weights, "
                    "which may be {} together",
                    most_weight));
  return {};
}

std::uint64_t HashedTable::weight_of(std::string_view routing_key) const {
  if (choice_ != Choice::consistent) return 1;
  const std::optional<std::uint64_t> weight = parse_weight(routing_key);
  CHECK(weight.has_value(), "unchecked weight '{}'", routing_key);
  return *weight;
}

void HashedTable::add(const Target& target, std::string_view routing_key) {
  const Row* row = rows_.find(target);
  const std::uint64_t held = row == nullptr ? 0 : row->weight;
  change(target, held, held + weight_of(routing_key));
}

void HashedTable::remove(const Target& target, std::string_view routing_key) {
  const Row* row = rows_.find(target);
  if (row == nullptr) return;
  const std::uint64_t held = row->weight;
  change(target, held, held - std::min(held, weight_of(routing_key)));
}

// Where nothing weighs, a target is one point, however many bindings lead there.
std::uint64_t HashedTable::points_of(std::uint64_t weight) const {
  return choice_ == Choice::consistent ? weight * points_a_unit
                                       : std::min<std::uint64_t>(weight, 1);
}

void HashedTable::change(const Target& target, std::uint64_t from, std::uint64_t to) {
  auto owner = std::make_shared<const HashRing::Owner>(target.queue, std::string(target.exchange));
  HashRing::Points points;
  for (std::uint64_t n = points_of(std::min(from, to)); n < points_of(std::max(from, to)); ++n)
    points.push_back({position_of(*owner, n), owner});
  total_weight_ = total_weight_ - from + to;
  if (to > from)
    ring_.add(std::move(points));
  else
    ring_.remove(std::move(points));
  if (to > 0)
    rows_.put(Row{owner->queue, owner->exchange, to});
  else
    rows_.erase(target);
}

// What is to be hashed and is not there is as good as empty: such messages stay together.
std::uint64_t HashedTable::key_of(const Message& message) const {
  switch (on_.what) {
    case HashOn::What::routing_key:
      return stable_hash(message.routing_key);
    case HashOn::What::header:
      if (message.headers != nullptr)
        if (auto value = message.headers->lookup(on_.name)) return stable_hash(value->value);
      break;
    case HashOn::What::property:
      if (message.headers != nullptr)
        if (auto value = message.headers->property(on_.name)) return stable_hash(*value);
      break;
  }
  return stable_hash({});
}

const HashRing::Point& HashedTable::owner_of(std::uint64_t key) const {
  const HashRing::Point* closest = nullptr;
  std::uint64_t distance = 0;
  for (std::uint64_t probe = 0; probe < probes; ++probe) {
    const std::uint64_t position = hash_mix(key, probe);
    const HashRing::Point& point = ring_.at_or_after(position);
    if (closest != nullptr && point.position - position >= distance) continue;
    closest = &point;
    distance = point.position - position;
  }
  return *closest;
}

void HashedTable::match(const Message& message, Matched& matched) const {
  if (ring_.empty()) return;
  const HashRing::Point* chosen = nullptr;
  switch (choice_) {
    case Choice::consistent:
      chosen = &owner_of(key_of(message));
      break;
    case Choice::modulus: {
      std::uint64_t key = stable_hash(message.routing_key);
      for (const std::string& copy : message.copies)
        key = stable_hash(copy, key);
      chosen = &ring_.nth(key % ring_.size());
      break;
    }
    case Choice::random:
      chosen = &ring_.nth(scaled(message.random, ring_.size()));
      break;
  }
  if (chosen->owner->exchange.empty())
    matched.queues.push_back(chosen->owner->queue);
  else
    matched.exchanges.push_back(chosen->owner->exchange);
}

}  // namespace warren::routing
