#include "broker/amqp/methods.h"

#include <fmt/format.h>

#include <array>
#include <boost/pfr/core.hpp>

#include "broker/amqp/frame_format.h"
#include "broker/amqp/table.h"
#include "broker/amqp/wire.h"

namespace warren::amqp {

namespace {

// Reads a struct's fields in order. Neighbouring bits share octets, lowest bit first.
class ArgumentReader {
 public:
  explicit ArgumentReader(WireReader& reader) : reader_(reader) {}

  void operator()(bool& bit) {
    if (bits_left_ == 0) {
      bits_ = reader_.u8();
      bits_left_ = 8;
    }
    bit = (bits_ & 1) != 0;
    bits_ >>= 1;
    --bits_left_;
  }
  template <typename T>
  void operator()(T& field) {
    bits_left_ = 0;
    read(field);
  }

 private:
  void read(std::uint8_t& v) { v = reader_.u8(); }
  void read(std::uint16_t& v) { v = reader_.u16(); }
  void read(std::uint32_t& v) { v = reader_.u32(); }
  void read(std::uint64_t& v) { v = reader_.u64(); }
  void read(ShortString& v) { v = text(); }
  void read(ShortStringView& v) { v = text(); }
  void read(LongString& v) { v.value = reader_.long_string(); }
  void read(FieldTable& v) { v = read_table(reader_); }

  std::string_view text() {
    const std::string_view octets = reader_.short_string();
    if (!is_utf8(octets)) reader_.fail(Fault::malformed_utf8);
    return octets;
  }

  WireReader& reader_;
  std::uint8_t bits_ = 0;
  int bits_left_ = 0;
};

// The mirror of ArgumentReader. Call finish() after the last field.
class ArgumentWriter {
 public:
  explicit ArgumentWriter(OutputBuffer& out) : writer_(out) {}

  void operator()(bool bit) {
    if (bit_count_ == 8) finish();
    bits_ |= static_cast<std::uint8_t>((bit ? 1 : 0) << bit_count_++);
  }
  template <typename T>
  void operator()(const T& field) {
    finish();
    write(field);
  }
  void finish() {
    if (bit_count_ > 0) writer_.u8(bits_);
    bits_ = 0;
    bit_count_ = 0;
  }

 private:
  void write(std::uint8_t v) { writer_.u8(v); }
  void write(std::uint16_t v) { writer_.u16(v); }
  void write(std::uint32_t v) { writer_.u32(v); }
  void write(std::uint64_t v) { writer_.u64(v); }
  void write(const ShortString& v) { writer_.short_string(v); }
  void write(ShortStringView v) { writer_.short_string(v); }
  void write(const LongString& v) { writer_.long_string(v.value); }
  void write(const FieldTable& v) { writer_.raw(encode_table(v)); }

  WireWriter<OutputBuffer> writer_;
  std::uint8_t bits_ = 0;
  int bit_count_ = 0;
};

// Calls visit for each field; an empty struct has none.
template <typename M, typename Visit>
void for_each_argument(M& method, Visit&& visit) {
  if constexpr (!std::is_empty_v<M>)
    boost::pfr::for_each_field(method, [&visit](auto& field) { visit(field); });
}

template <typename M>
void decode_as(Method& into, WireReader& reader) {
  for_each_argument(into.emplace<M>(), ArgumentReader(reader));
  reader.expect_end();
}

template <typename M>
void encode_as(const void* method, ChannelNumber channel, OutputBuffer& out) {
  char* head = out.claim(frame_head_size);
  std::size_t before = out.size();
  WireWriter<OutputBuffer> writer(out);
  writer.u16(M::info.class_id);
  writer.u16(M::info.method_id);
  ArgumentWriter arguments(out);
  for_each_argument(*static_cast<const M*>(method), arguments);
  arguments.finish();
  store_frame_head(head, FrameType::method, channel, out.size() - before);
  out.append(&frame_end, 1);
}

// One row for each method, in the order of the variant, which is that of the keys.
struct Row {
  MethodInfo info;
  void (*decode)(Method&, WireReader&);
  void (*encode)(const void*, ChannelNumber, OutputBuffer&);
};

template <typename... Ms>
consteval std::array<Row, sizeof...(Ms)> rows_of(const std::variant<Ms...>*) {
  return {Row{Ms::info, &decode_as<Ms>, &encode_as<Ms>}...};
}

constexpr auto rows = rows_of(static_cast<const Method*>(nullptr));
constexpr auto key_of = [](const Row& row) { return row.info.key(); };
static_assert(std::ranges::adjacent_find(rows, std::greater_equal{}, key_of) == rows.end(),
              "Method's alternatives are sorted and differ");

const Row* find_row(std::uint16_t class_id, std::uint16_t method_id) {
  std::uint32_t key = MethodInfo{class_id, method_id}.key();
  auto row = std::ranges::lower_bound(rows, key, {}, key_of);
  return row != rows.end() && row->info.key() == key ? &*row : nullptr;
}

}  // namespace

Result<Method> decode_method(std::string_view payload) {
  WireReader reader(payload);
  std::uint16_t class_id = reader.u16();
  std::uint16_t method_id = reader.u16();
  if (!reader.ok()) return std::unexpected(decode_error("method", reader.fault()));
  const Row* row = find_row(class_id, method_id);
  if (row == nullptr)
    return fail(ReplyCode::not_implemented,
                fmt::format("unknown method {} of class {}", method_id, class_id));
  Result<Method> result(std::in_place);
  row->decode(*result, reader);
  if (!reader.ok()) result = std::unexpected(decode_error(row->info.name, reader.fault()));
  return result;
}

MethodInfo peek_method(std::string_view payload) {
  WireReader reader(payload);
  std::uint16_t class_id = reader.u16();
  std::uint16_t method_id = reader.u16();
  if (!reader.ok()) return {};
  const Row* row = find_row(class_id, method_id);
  return row != nullptr ? row->info : MethodInfo{class_id, method_id};
}

const MethodInfo& info_of(const Method& method) {
  return rows[method.index()].info;
}

void encode(const Method& method, ChannelNumber channel, OutputBuffer& out) {
  std::visit([&](const auto& alternative) { encode(alternative, channel, out); }, method);
}

void detail::encode_alternative(std::size_t index, const void* method, ChannelNumber channel,
                                OutputBuffer& out) {
  rows[index].encode(method, channel, out);
}

}  // namespace warren::amqp
