// Field values and field tables: the typed dictionaries of methods' arguments and of message
// headers. Pure values, any thread. Their octets are table.h's business.
// Source: AMQP 0-9-1 §4.2.5.5, with the type letters that RabbitMQ and its clients really use.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace warren::amqp {

class FieldValue;
struct Field;

struct Void {
  bool operator==(const Void&) const = default;
};
struct Decimal {
  std::uint8_t scale = 0;
  std::uint32_t value = 0;
  bool operator==(const Decimal&) const = default;
};
struct Timestamp {
  std::uint64_t seconds = 0;  // since the Unix epoch
  bool operator==(const Timestamp&) const = default;
};
struct ByteArray {
  std::string octets;
  bool operator==(const ByteArray&) const = default;
};
struct FieldArray {
  std::vector<FieldValue> values;
  bool operator==(const FieldArray& other) const;
};

// Ordered; duplicated names are kept, and look-ups see the first.
class FieldTable {
 public:
  FieldTable() = default;
  FieldTable(std::initializer_list<Field> fields);

  bool empty() const;
  std::size_t size() const;
  const std::vector<Field>& fields() const { return fields_; }

  // The pointer lives until the table changes. nullptr: absent.
  const FieldValue* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  // Absent, or of another type: nullopt. Integers of every width and sign are integers.
  std::optional<std::int64_t> as_integer(std::string_view name) const;
  std::optional<std::string_view> as_string(std::string_view name) const;
  std::optional<bool> as_bool(std::string_view name) const;
  const FieldTable* as_table(std::string_view name) const;

  // A name is at most 255 octets.
  void add(std::string name, FieldValue value);       // at the end, even if already there
  void set(std::string_view name, FieldValue value);  // replaces every field of that name
  bool erase(std::string_view name);                  // every field of that name

  bool operator==(const FieldTable& other) const;

 private:
  std::vector<Field> fields_;
};

// The comment gives the letter on the wire and RabbitMQ's word in error texts.
using FieldVariant = std::variant<Void,           // V void
                                  bool,           // t bool
                                  std::int8_t,    // b byte
                                  std::uint8_t,   // B unsignedbyte
                                  std::int16_t,   // s short
                                  std::uint16_t,  // u unsignedshort
                                  std::int32_t,   // I signedint
                                  std::uint32_t,  // i unsignedint
                                  std::int64_t,   // l long (L is read as the same)
                                  float,          // f float
                                  double,         // d double
                                  Decimal,        // D decimal
                                  std::string,    // S longstr
                                  FieldArray,     // A array
                                  Timestamp,      // T timestamp
                                  FieldTable,     // F table
                                  ByteArray>;     // x binary

template <typename T, typename Variant>
inline constexpr bool is_alternative = false;
template <typename T, typename... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::same_as<T, Ts> || ...);

class FieldValue {
 public:
  FieldValue() = default;
  // Only from exactly one of the alternatives: 5 is an int32, never a bool.
  template <typename T>
    requires is_alternative<T, FieldVariant>
  FieldValue(T value) : value_(std::in_place_type<T>, std::move(value)) {}
  FieldValue(const char* text);
  FieldValue(std::string_view text);

  const FieldVariant& variant() const { return value_; }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&value_);
  }
  // An integer of any width or sign; nullopt for the rest.
  std::optional<std::int64_t> as_integer() const;

  bool operator==(const FieldValue& other) const;

 private:
  FieldVariant value_;
};

struct Field {
  std::string name;
  FieldValue value;
  bool operator==(const Field& other) const = default;
};

// 'long', 'longstr', 'bool', … as RabbitMQ names the type in its texts.
std::string_view type_name(const FieldValue& value);

// The bare value for an error text: 5, true, abc.
std::string to_string(const FieldValue& value);

// "the value '5' of type 'long'", or "none" for nullptr.
std::string describe(const FieldValue* value);

// Equality of declared arguments: integers of all widths compare by value, so do float and double,
// the rest by type and value. nullptr means absent, and equals only absent.
bool equivalent(const FieldValue* a, const FieldValue* b);

// RabbitMQ's 406 text: "inequivalent arg 'x-expires' for queue 'q' in vhost '/': received … but
// current is …". `resource` is "queue 'q' in vhost '/'". nullptr means absent.
std::string inequivalent_text(std::string_view argument, std::string_view resource,
                              const FieldValue* received, const FieldValue* current);

}  // namespace warren::amqp
