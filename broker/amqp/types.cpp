#include "broker/amqp/types.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

namespace warren::amqp {

bool FieldArray::operator==(const FieldArray& other) const {
  return values == other.values;
}

FieldTable::FieldTable(std::initializer_list<Field> fields) : fields_(fields) {}

bool FieldTable::empty() const {
  return fields_.empty();
}

std::size_t FieldTable::size() const {
  return fields_.size();
}

const FieldValue* FieldTable::find(std::string_view name) const {
  auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? nullptr : &found->value;
}

std::optional<std::int64_t> FieldTable::as_integer(std::string_view name) const {
  const FieldValue* value = find(name);
  return value ? value->as_integer() : std::nullopt;
}

std::optional<std::string_view> FieldTable::as_string(std::string_view name) const {
  const FieldValue* value = find(name);
  const auto* text = value ? value->get_if<std::string>() : nullptr;
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

std::optional<bool> FieldTable::as_bool(std::string_view name) const {
  const FieldValue* value = find(name);
  const auto* truth = value ? value->get_if<bool>() : nullptr;
  return truth ? std::optional<bool>(*truth) : std::nullopt;
}

const FieldTable* FieldTable::as_table(std::string_view name) const {
  const FieldValue* value = find(name);
  return value ? value->get_if<FieldTable>() : nullptr;
}

void FieldTable::add(std::string name, FieldValue value) {
  fields_.push_back({std::move(name), std::move(value)});
}

void FieldTable::set(std::string_view name, FieldValue value) {
  auto first = std::ranges::find(fields_, name, &Field::name);
  if (first == fields_.end()) return add(std::string(name), std::move(value));
  first->value = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(),
                               [name](const Field& field) { return field.name == name; }),
                fields_.end());
}

bool FieldTable::erase(std::string_view name) {
  return std::erase_if(fields_, [name](const Field& field) { return field.name == name; }) > 0;
}

bool FieldTable::operator==(const FieldTable& other) const {
  return fields_ == other.fields_;
}

FieldValue::FieldValue(const char* text) : value_(std::in_place_type<std::string>, text) {}

FieldValue::FieldValue(std::string_view text) : value_(std::in_place_type<std::string>, text) {}

bool FieldValue::operator==(const FieldValue& other) const {
  return value_ == other.value_;
}

std::optional<std::int64_t> FieldValue::as_integer() const {
  return std::visit(
      [](const auto& v) -> std::optional<std::int64_t> {
        using T = std::remove_cvref_t<decltype(v)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return v;
        return std::nullopt;
      },
      value_);
}

std::string_view type_name(const FieldValue& value) {
  static constexpr std::string_view names[] = {
      "void",      "bool",        "byte",      "unsignedbyte", "short",  "unsignedshort",
      "signedint", "unsignedint", "long",      "float",        "double", "decimal",
      "longstr",   "array",       "timestamp", "table",        "binary"};
  static_assert(std::size(names) == std::variant_size_v<FieldVariant>);
  return names[value.variant().index()];
}

namespace {

struct Printer {
  std::string operator()(Void) const { return "undefined"; }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  template <typename T>
    requires std::is_arithmetic_v<T>
  std::string operator()(T v) const {
    return fmt::format("{}", v);
  }
  std::string operator()(const Decimal& v) const {
    return fmt::format("{{{},{}}}", v.scale, v.value);
  }
  std::string operator()(const Timestamp& v) const { return fmt::format("{}", v.seconds); }
  std::string operator()(const std::string& v) const { return v; }
  std::string operator()(const ByteArray& v) const { return v.octets; }
  std::string operator()(const FieldArray& v) const {
    std::string out = "[";
    for (const FieldValue& value : v.values) {
      if (out.size() > 1) out += ",";
      out += to_string(value);
    }
    return out + "]";
  }
  std::string operator()(const FieldTable& v) const {
    std::string out = "{";
    for (const Field& field : v.fields()) {
      if (out.size() > 1) out += ",";
      out += field.name + "=" + to_string(field.value);
    }
    return out + "}";
  }
};

std::optional<double> as_real(const FieldValue& value) {
  if (const auto* single = value.get_if<float>()) return *single;
  if (const auto* twice = value.get_if<double>()) return *twice;
  return std::nullopt;
}

}  // namespace

std::string to_string(const FieldValue& value) {
  return std::visit(Printer{}, value.variant());
}

std::string describe(const FieldValue* value) {
  if (value == nullptr) return "none";
  return fmt::format("the value '{}' of type '{}'", to_string(*value), type_name(*value));
}

bool equivalent(const FieldValue* a, const FieldValue* b) {
  if (a == nullptr || b == nullptr) return a == b;
  if (auto integer = a->as_integer()) return integer == b->as_integer();
  if (auto real = as_real(*a)) return real == as_real(*b);
  return *a == *b;
}

std::string inequivalent_text(std::string_view argument, std::string_view resource,
                              const FieldValue* received, const FieldValue* current) {
  // RabbitMQ names the types only when one of the two is absent.
  bool both = received != nullptr && current != nullptr;
  auto side = [both](const FieldValue* value) {
    return both ? fmt::format("'{}'", to_string(*value)) : describe(value);
  };
  return fmt::format("inequivalent arg '{}' for {}: received {} but current is {}", argument,
                     resource, side(received), side(current));
}

}  // namespace warren::amqp
