#include "broker/replica/catalog_codec.h"

#include <utility>

#include "broker/base/codec.h"
#include "broker/catalog/command_codec.h"
#include "proto/command.pb.h"

namespace warren::replica {
namespace {

// The catalog's own: what is new in the groups' entries is no reason to be refused by older nodes.
constexpr std::uint32_t catalog_version = 5;

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed catalog ") + what);
}

}  // namespace

Bytes encode_catalog_batch(std::span<const catalog::Command> commands) {
  proto::CatalogBatch batch;
  batch.set_version(catalog_version);
  for (const auto& command : commands)
    batch.add_command(catalog::encode_command(command));
  return Bytes(batch.SerializeAsString());
}

Result<std::vector<catalog::Command>> decode_catalog_batch(std::string_view octets) {
  proto::CatalogBatch batch;
  if (octets.size() > 0x7fffffff ||
      !batch.ParseFromArray(octets.data(), static_cast<int>(octets.size())) ||
      batch.version() == 0 || batch.version() > catalog_version)
    return malformed("batch");
  std::vector<catalog::Command> commands;
  for (const auto& in : batch.command()) {
    auto command = catalog::decode_command(in);
    if (!command) return std::unexpected(command.error());
    commands.push_back(std::move(*command));
  }
  return commands;
}

std::string encode_catalog_outcomes(std::span<const catalog::Outcome> outcomes) {
  ByteWriter out;
  out.varint(outcomes.size());
  for (const auto& outcome : outcomes)
    out.string(catalog::encode_outcome(outcome));
  return out.take();
}

Result<std::vector<catalog::Outcome>> decode_catalog_outcomes(std::string_view octets) {
  ByteReader in(octets);
  std::uint64_t count = in.varint();
  if (count > in.remaining()) return malformed("outcomes");
  std::vector<catalog::Outcome> outcomes;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    auto outcome = catalog::decode_outcome(in.string());
    if (!outcome) return std::unexpected(outcome.error());
    outcomes.push_back(std::move(*outcome));
  }
  if (!in.ok() || !in.at_end()) return malformed("outcomes");
  return outcomes;
}

std::shared_ptr<const std::string> encode_catalog_entry(const CatalogEntry& entry) {
  proto::CatalogEntry out;
  out.set_version(catalog_version);
  out.set_stamp_ms(entry.stamp.value);
  for (const auto& batch : entry.batches) {
    auto* to = out.add_batch();
    to->set_node(batch.session.node.value);
    to->set_incarnation(batch.session.incarnation.value);
    to->set_number(batch.number.value);
    to->set_released(batch.released.value);
    to->set_batch(std::string(encode_catalog_batch(batch.commands).view()));
  }
  for (const auto& command : entry.own)
    out.add_command(catalog::encode_command(command));
  return std::make_shared<const std::string>(out.SerializeAsString());
}

Result<CatalogEntry> decode_catalog_entry(std::string_view octets) {
  proto::CatalogEntry in;
  if (octets.size() > 0x7fffffff ||
      !in.ParseFromArray(octets.data(), static_cast<int>(octets.size())) || in.version() == 0 ||
      in.version() > catalog_version)
    return malformed("entry");
  CatalogEntry entry;
  entry.stamp = Stamp(in.stamp_ms());
  for (const auto& from : in.batch()) {
    auto commands = decode_catalog_batch(from.batch());
    if (!commands) return std::unexpected(commands.error());
    entry.batches.push_back({{NodeId(from.node()), Incarnation(from.incarnation())},
                             BatchNumber(from.number()),
                             BatchNumber(from.released()),
                             std::move(*commands)});
  }
  for (const auto& from : in.command()) {
    auto command = catalog::decode_command(from);
    if (!command) return std::unexpected(command.error());
    entry.own.push_back(std::move(*command));
  }
  return entry;
}

}  // namespace warren::replica
