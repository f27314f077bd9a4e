#include "broker/queue/settings.h"

namespace warren::queue {

namespace {

constexpr std::uint8_t settings_version = 1;
constexpr std::uint64_t durable_flag = 1;
constexpr std::uint64_t exclusive_flag = 2;
constexpr std::uint64_t auto_delete_flag = 4;

}  // namespace

void Settings::encode(ByteWriter& out) const {
  ByteWriter body;
  body.varint((durable ? durable_flag : 0) | (exclusive ? exclusive_flag : 0) |
              (auto_delete ? auto_delete_flag : 0));
  out.u8(settings_version);
  out.string(body.str());
}

std::optional<Settings> Settings::decode(ByteReader& in) {
  std::uint8_t version = in.u8();
  ByteReader body(in.string());
  std::uint64_t flags = body.varint();
  if (!in.ok() || !body.ok() || version < settings_version) return std::nullopt;
  Settings settings;
  settings.durable = (flags & durable_flag) != 0;
  settings.exclusive = (flags & exclusive_flag) != 0;
  settings.auto_delete = (flags & auto_delete_flag) != 0;
  return settings;
}

}  // namespace warren::queue
