#include "broker/amqp/table.h"

#include <bit>

namespace warren::amqp {

namespace {

// Reads tables into values. Depth and the number of values are bounded over the whole tree.
class TableReader {
 public:
  FieldTable table(WireReader& reader) {
    WireReader inner(reader.raw(reader.u32()));
    FieldTable out = fields(inner);
    if (!inner.ok()) reader.fail(inner.fault());
    return out;
  }

  FieldTable fields(WireReader& reader) {
    FieldTable out;
    if (!enter(reader)) return out;
    while (!reader.at_end()) {
      std::string_view name = reader.short_string();
      FieldValue read = value(reader);
      if (reader.ok()) out.add(std::string(name), std::move(read));
    }
    --depth_;
    return out;
  }

 private:
  bool enter(WireReader& reader) {
    if (depth_ == table_depth_limit) {
      reader.fail(Fault::too_deep);
      return false;
    }
    ++depth_;
    return true;
  }

  FieldArray array(WireReader& reader) {
    FieldArray out;
    WireReader inner(reader.raw(reader.u32()));
    if (!enter(reader)) return out;
    while (!inner.at_end()) {
      FieldValue read = value(inner);
      if (inner.ok()) out.values.push_back(std::move(read));
    }
    --depth_;
    if (!inner.ok()) reader.fail(inner.fault());
    return out;
  }

  FieldValue value(WireReader& reader) {
    auto type = static_cast<char>(reader.u8());
    if (!reader.ok()) return {};
    if (values_left_-- == 0) {
      reader.fail(Fault::too_many_values);
      return {};
    }
    switch (type) {
      case 't':
        return reader.u8() != 0;
      case 'b':
        return static_cast<std::int8_t>(reader.u8());
      case 'B':
        return reader.u8();
      case 's':
        return static_cast<std::int16_t>(reader.u16());
      case 'u':
        return reader.u16();
      case 'I':
        return static_cast<std::int32_t>(reader.u32());
      case 'i':
        return reader.u32();
      case 'l':
      case 'L':
        return static_cast<std::int64_t>(reader.u64());
      case 'f':
        return std::bit_cast<float>(reader.u32());
      case 'd':
        return std::bit_cast<double>(reader.u64());
      case 'D':
        return decimal(reader);
      case 'S':
        return reader.long_string();
      case 'x':
        return ByteArray{std::string(reader.long_string())};
      case 'A':
        return array(reader);
      case 'T':
        return Timestamp{reader.u64()};
      case 'F':
        return table(reader);
      case 'V':
        return Void{};
      default:
        reader.fail(Fault::unknown_field_type);
        return {};
    }
  }

  static Decimal decimal(WireReader& reader) {
    std::uint8_t scale = reader.u8();
    return {scale, reader.u32()};
  }

  int depth_ = 0;
  int values_left_ = table_value_limit;
};

// Checks one value's octets after its letter, and passes them.
class TableSkipper {
 public:
  explicit TableSkipper(int& values_left) : values_left_(values_left) {}

  void value(WireReader& reader, char type, int depth) {
    if (values_left_-- == 0) return reader.fail(Fault::too_many_values);
    switch (type) {
      case 't':
      case 'b':
      case 'B':
        reader.raw(1);
        return;
      case 's':
      case 'u':
        reader.raw(2);
        return;
      case 'I':
      case 'i':
      case 'f':
        reader.raw(4);
        return;
      case 'l':
      case 'L':
      case 'd':
      case 'T':
        reader.raw(8);
        return;
      case 'D':
        reader.raw(5);
        return;
      case 'S':
      case 'x':
        reader.long_string();
        return;
      case 'A':
      case 'F':
        nested(reader, type == 'F', depth + 1);
        return;
      case 'V':
        return;
      default:
        reader.fail(Fault::unknown_field_type);
    }
  }

 private:
  void nested(WireReader& reader, bool named, int depth) {
    WireReader inner(reader.long_string());
    if (depth > table_depth_limit) return reader.fail(Fault::too_deep);
    while (!inner.at_end()) {
      if (named) inner.short_string();
      auto type = static_cast<char>(inner.u8());
      if (inner.ok()) value(inner, type, depth);
    }
    if (!inner.ok()) reader.fail(inner.fault());
  }

  int& values_left_;
};

struct ValueWriter {
  std::string& out;

  WireWriter<std::string> tagged(char type) const {
    out.push_back(type);
    return WireWriter<std::string>(out);
  }
  void operator()(Void) const { tagged('V'); }
  void operator()(bool v) const { tagged('t').u8(v ? 1 : 0); }
  void operator()(std::int8_t v) const { tagged('b').u8(static_cast<std::uint8_t>(v)); }
  void operator()(std::uint8_t v) const { tagged('B').u8(v); }
  void operator()(std::int16_t v) const { tagged('s').u16(static_cast<std::uint16_t>(v)); }
  void operator()(std::uint16_t v) const { tagged('u').u16(v); }
  void operator()(std::int32_t v) const { tagged('I').u32(static_cast<std::uint32_t>(v)); }
  void operator()(std::uint32_t v) const { tagged('i').u32(v); }
  void operator()(std::int64_t v) const { tagged('l').u64(static_cast<std::uint64_t>(v)); }
  void operator()(float v) const { tagged('f').u32(std::bit_cast<std::uint32_t>(v)); }
  void operator()(double v) const { tagged('d').u64(std::bit_cast<std::uint64_t>(v)); }
  void operator()(const Decimal& v) const {
    auto writer = tagged('D');
    writer.u8(v.scale);
    writer.u32(v.value);
  }
  void operator()(const std::string& v) const { tagged('S').long_string(v); }
  void operator()(const ByteArray& v) const { tagged('x').long_string(v.octets); }
  void operator()(const Timestamp& v) const { tagged('T').u64(v.seconds); }
  void operator()(const FieldTable& v) const {
    tagged('F');
    write_table(out, v);
  }
  void operator()(const FieldArray& v) const {
    tagged('A').u32(0);
    std::size_t start = out.size();
    for (const FieldValue& value : v.values)
      write_value(out, value);
    patch_length(start);
  }
  // The 4 octets before `start` get the length of what follows them.
  void patch_length(std::size_t start) const {
    std::size_t length = out.size() - start;
    CHECK(length <= UINT32_MAX, "table of {} octets", length);
    store_big_endian<4>(out.data() + start - 4, length);
  }
};

Result<FieldTable> finish(const WireReader& reader, FieldTable table) {
  if (!reader.ok()) return std::unexpected(decode_error("field table", reader.fault()));
  return table;
}

}  // namespace

FieldTable read_table(WireReader& reader) {
  return TableReader().table(reader);
}

void write_value(std::string& out, const FieldValue& value) {
  std::visit(ValueWriter{out}, value.variant());
}

void write_table(std::string& out, const FieldTable& table) {
  WireWriter<std::string> writer(out);
  writer.u32(0);
  std::size_t start = out.size();
  for (const Field& field : table.fields()) {
    writer.short_string(field.name);
    write_value(out, field.value);
  }
  ValueWriter{out}.patch_length(start);
}

Result<FieldTable> decode_table(std::string_view octets) {
  WireReader reader(octets);
  FieldTable table = read_table(reader);
  reader.expect_end();
  return finish(reader, std::move(table));
}

std::string encode_table(const FieldTable& table) {
  std::string out;
  write_table(out, table);
  return out;
}

Result<FieldTable> decode_table_fields(std::string_view octets) {
  WireReader reader(octets);
  FieldTable table = TableReader().fields(reader);
  return finish(reader, std::move(table));
}

bool TableWalk::next(RawField& field) {
  if (reader_.at_end()) return false;
  const char* start = reader_.rest().data();
  field.name = reader_.short_string();
  field.type = static_cast<char>(reader_.u8());
  if (!reader_.ok()) return false;
  const char* value = reader_.rest().data();
  TableSkipper(values_left_).value(reader_, field.type, 1);
  if (!reader_.ok()) return false;
  const char* end = reader_.rest().data();
  field.whole = {start, end};
  field.value = {value, end};
  return true;
}

}  // namespace warren::amqp
