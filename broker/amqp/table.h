// The octets of field tables: written, read, and walked without building anything.
// Pure: any thread. Source: AMQP 0-9-1 §4.2.5.5, type letters t b B s u I i l L f d D S A T F x V.
#pragma once

#include <string>
#include <string_view>

#include "broker/amqp/types.h"
#include "broker/amqp/wire.h"
#include "broker/base/result.h"

namespace warren::amqp {

// Nested tables and arrays: beyond what any client sends (x-death is 3 deep), within any stack.
inline constexpr int table_depth_limit = 32;
// Values in one table, all levels together: bounds what a frame full of 1-octet values can cost.
inline constexpr int table_value_limit = 65536;

// A table with its 4-octet length. On a fault the reader has it, and the result is not to be used.
FieldTable read_table(WireReader& reader);
// Appends a table with its 4-octet length.
void write_table(std::string& out, const FieldTable& table);
// Letter and octets of one value.
void write_value(std::string& out, const FieldValue& value);

// A whole table with its length, and nothing after it. Errors: 501, 502.
Result<FieldTable> decode_table(std::string_view octets);
std::string encode_table(const FieldTable& table);
// The fields without the length in front, as AMQPLAIN's response is sent. Errors: 501, 502.
Result<FieldTable> decode_table_fields(std::string_view octets);

// Walks encoded fields (no length in front) one by one, checking every octet and allocating
// nothing: while (auto field = walk.next()) …; then look at fault().
class TableWalk {
 public:
  explicit TableWalk(std::string_view fields) : reader_(fields) {}

  struct RawField {
    std::string_view name;
    char type = 0;
    std::string_view whole;  // name, letter and value, as encoded
    std::string_view value;  // after the letter
  };
  // False at the end or on a fault.
  bool next(RawField& field);
  Fault fault() const { return reader_.fault(); }

 private:
  WireReader reader_;
  int values_left_ = table_value_limit;
};

}  // namespace warren::amqp
