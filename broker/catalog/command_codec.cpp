#include "broker/catalog/command_codec.h"

#include <array>
#include <utility>

#include "broker/catalog/fields.h"

namespace warren::catalog {

namespace {

constexpr std::uint8_t version = 1;

using Reader = void (*)(ReadArchive&, Command&);

template <std::size_t kind>
void read_kind(ReadArchive& archive, Command& command) {
  archive(command.emplace<kind>());
}
template <std::size_t... kinds>
constexpr std::array<Reader, sizeof...(kinds)> readers_of(std::index_sequence<kinds...>) {
  return {read_kind<kinds>...};
}
constexpr auto readers = readers_of(std::make_index_sequence<std::variant_size_v<Command>>());

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed catalog ") + what);
}

bool is_known(ReplyCode code) {
  return code == ReplyCode::internal_error ||
         std::string_view(name_of(code)) != name_of(ReplyCode::internal_error);
}

}  // namespace

std::string encode_command(const Command& command) {
  ByteWriter out;
  out.u8(version);
  out.u8(static_cast<std::uint8_t>(command.index()));
  WriteArchive archive(out);
  std::visit([&](const auto& c) { archive(c); }, command);
  return out.take();
}

Result<Command> decode_command(std::string_view octets) {
  ByteReader in(octets);
  const std::uint8_t found_version = in.u8();
  const std::uint8_t kind = in.u8();
  if (!in.ok() || found_version != version || kind >= readers.size()) return malformed("command");
  ReadArchive archive(in);
  Command command;
  readers[kind](archive, command);
  if (!archive.ok() || !in.at_end()) return malformed("command");
  return command;
}

std::string encode_outcome(const Outcome& outcome) {
  ByteWriter out;
  out.u8(version);
  WriteArchive archive(out);
  archive(outcome.error.has_value());
  if (outcome.error) {
    out.varint(std::to_underlying(outcome.error->code));
    archive(outcome.error->text);
  }
  archive(outcome.index, outcome.queue, outcome.created, outcome.node, outcome.incarnation);
  return out.take();
}

Result<Outcome> decode_outcome(std::string_view octets) {
  ByteReader in(octets);
  if (in.u8() != version) return malformed("outcome");
  ReadArchive archive(in);
  Outcome outcome;
  bool failed = false;
  archive(failed);
  if (failed) {
    std::uint32_t code = 0;
    Error& error = outcome.error.emplace();
    archive(code, error.text);
    error.code = static_cast<ReplyCode>(code);
    if (code > 0xffff || !is_known(error.code)) return malformed("outcome");
  }
  archive(outcome.index, outcome.queue, outcome.created, outcome.node, outcome.incarnation);
  if (!archive.ok() || !in.at_end()) return malformed("outcome");
  return outcome;
}

}  // namespace warren::catalog
