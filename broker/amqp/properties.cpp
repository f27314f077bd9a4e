#include "broker/amqp/properties.h"

#include "broker/amqp/table.h"
#include "broker/amqp/wire.h"

namespace warren::amqp {

namespace {

constexpr std::string_view what = "basic properties";
constexpr std::uint16_t continuation_flag = 0x0001;
constexpr std::uint16_t unused_flag = 0x0002;  // class 60 has 14 properties, bits 15 to 2
constexpr std::uint16_t headers_flag = 0x2000;

struct Flags {
  std::uint16_t bits = 0;
  std::size_t extra_octets = 0;  // of continuation words
};

// A set continuation bit announces another word of flags; class 60 has no property there, so that
// any flag in it is unknown.
Flags read_flags(WireReader& reader) {
  Flags flags;
  std::uint16_t word = reader.u16();
  flags.bits = word & static_cast<std::uint16_t>(~continuation_flag);
  if ((word & unused_flag) != 0) reader.fail(Fault::unknown_property);
  while (reader.ok() && (word & continuation_flag) != 0) {
    word = reader.u16();
    flags.extra_octets += 2;
    if ((word & ~continuation_flag) != 0) reader.fail(Fault::unknown_property);
  }
  return flags;
}

// Every property in wire order.
template <typename Properties, typename Visit>
void for_each_property(Properties& p, Visit&& visit) {
  visit(p.content_type);
  visit(p.content_encoding);
  visit(p.headers);
  visit(p.delivery_mode);
  visit(p.priority);
  visit(p.correlation_id);
  visit(p.reply_to);
  visit(p.expiration);
  visit(p.message_id);
  visit(p.timestamp);
  visit(p.type);
  visit(p.user_id);
  visit(p.app_id);
  visit(p.cluster_id);
}

void read(WireReader& reader, std::string& v) {
  v = reader.short_string();
}
void read(WireReader& reader, std::uint8_t& v) {
  v = reader.u8();
}
void read(WireReader& reader, Timestamp& v) {
  v.seconds = reader.u64();
}
void read(WireReader& reader, FieldTable& v) {
  v = read_table(reader);
}

void write(WireWriter<std::string>& writer, const std::string& v) {
  writer.short_string(v);
}
void write(WireWriter<std::string>& writer, std::uint8_t v) {
  writer.u8(v);
}
void write(WireWriter<std::string>& writer, const Timestamp& v) {
  writer.u64(v.seconds);
}
void write(WireWriter<std::string>& writer, const FieldTable& v) {
  write_table(writer.out(), v);
}

// Passes the header table, whose octets are checked one by one.
void scan_headers(WireReader& reader, PropertyScan& scan) {
  std::string_view fields = reader.long_string();
  TableWalk walk(fields);
  TableWalk::RawField field;
  while (walk.next(field)) {
    scan.has_cc |= field.name == "CC";
    scan.has_bcc |= field.name == "BCC";
    scan.has_delay |= field.name == "x-delay";
    scan.has_duplicate_key |=
        field.name == "x-deduplication-header" || field.name == "x-message-deduplication";
  }
  if (walk.fault() != Fault::none) reader.fail(walk.fault());
  scan.headers = fields;
}

void scan_values(WireReader& reader, std::uint16_t bits, std::size_t raw_size, PropertyScan& scan) {
  std::uint16_t bit = 0x8000;
  auto given = [&bit, bits] {
    bool is_given = (bits & bit) != 0;
    bit >>= 1;
    return is_given;
  };
  auto pass = [&] {
    if (given()) reader.short_string();
  };
  auto take = [&](std::optional<std::string_view>& view) {
    if (given()) view = reader.short_string();
  };
  pass();  // content-type
  pass();  // content-encoding
  scan.headers_offset = raw_size - reader.rest().size();
  if (given()) scan_headers(reader, scan);
  if (given()) scan.delivery_mode = reader.u8();
  if (given()) scan.priority = reader.u8();
  take(scan.correlation_id);
  take(scan.reply_to);
  take(scan.expiration);
  take(scan.message_id);
  if (given()) scan.timestamp = reader.u64();
  pass();  // type
  take(scan.user_id);
  pass();  // app-id
  pass();  // cluster-id
}

const HeaderEdit* find_edit(std::span<const HeaderEdit> edits, std::string_view name) {
  for (const HeaderEdit& edit : edits)
    if (edit.name == name) return &edit;
  return nullptr;
}

// The fields that no edit names, as they are, then the new values.
std::string edited_fields(std::string_view fields, std::span<const HeaderEdit> edits) {
  std::string out;
  TableWalk walk(fields);
  TableWalk::RawField field;
  while (walk.next(field))
    if (find_edit(edits, field.name) == nullptr) out += field.whole;
  WireWriter<std::string> writer(out);
  for (const HeaderEdit& edit : edits) {
    if (!edit.value) continue;
    writer.short_string(edit.name);
    write_value(out, *edit.value);
  }
  return out;
}

}  // namespace

Result<BasicProperties> decode_properties(std::string_view raw) {
  WireReader reader(raw);
  Flags flags = read_flags(reader);
  Result<BasicProperties> result(std::in_place);
  std::uint16_t bit = 0x8000;
  for_each_property(*result, [&](auto& property) {
    if ((flags.bits & bit) != 0) read(reader, property.emplace());
    bit >>= 1;
  });
  reader.expect_end();
  if (!reader.ok()) result = std::unexpected(decode_error(what, reader.fault()));
  return result;
}

std::string encode_properties(const BasicProperties& properties) {
  std::uint16_t bits = 0;
  std::uint16_t bit = 0x8000;
  for_each_property(properties, [&](const auto& property) {
    if (property) bits |= bit;
    bit >>= 1;
  });
  std::string out;
  WireWriter<std::string> writer(out);
  writer.u16(bits);
  for_each_property(properties, [&](const auto& property) {
    if (property) write(writer, *property);
  });
  return out;
}

Result<PropertyScan> scan_properties(std::string_view raw) {
  WireReader reader(raw);
  Flags flags = read_flags(reader);
  Result<PropertyScan> result(std::in_place);
  result->extra_flag_octets = flags.extra_octets;
  scan_values(reader, flags.bits, raw.size(), *result);
  reader.expect_end();
  if (!reader.ok()) result = std::unexpected(decode_error(what, reader.fault()));
  return result;
}

FieldTable headers_of(const PropertyScan& scan) {
  if (!scan.headers) return {};
  Result<FieldTable> table = decode_table_fields(*scan.headers);
  CHECK(table.has_value(), "scanned headers do not decode");
  return *std::move(table);
}

Result<std::string> edit_headers(std::string_view raw, std::span<const HeaderEdit> edits) {
  Result<PropertyScan> scan = scan_properties(raw);
  if (!scan) return std::unexpected(scan.error());
  std::string fields = edited_fields(scan->headers.value_or(std::string_view()), edits);
  bool has_table = scan->headers.has_value() || !fields.empty();

  std::uint16_t bits = WireReader(raw).u16() & static_cast<std::uint16_t>(~continuation_flag);
  if (has_table) bits |= headers_flag;
  std::size_t values = 2 + scan->extra_flag_octets;
  std::size_t after = scan->headers_offset + (scan->headers ? 4 + scan->headers->size() : 0);
  std::string out;
  WireWriter<std::string> writer(out);
  writer.u16(bits);
  writer.raw(raw.substr(values, scan->headers_offset - values));
  if (has_table) writer.long_string(fields);
  writer.raw(raw.substr(after));
  return out;
}

std::string with_reply_to(std::string_view raw, const PropertyScan& scan,
                          std::string_view reply_to) {
  const auto begin = static_cast<std::size_t>(scan.reply_to->data() - raw.data());
  std::string out;
  WireWriter<std::string> writer(out);
  writer.raw(raw.substr(0, begin - 1));  // up to its length
  writer.short_string(reply_to);
  writer.raw(raw.substr(begin + scan.reply_to->size()));
  return out;
}

}  // namespace warren::amqp
