#include "broker/replica/catalog_state.h"

#include <algorithm>

#include "broker/base/codec.h"

namespace warren::replica {
namespace {
constexpr std::uint8_t part_version = 1;
}

Result<void> CatalogState::apply(EntryIndex index, std::string_view data, CatalogApplied& applied) {
  auto entry = decode_catalog_entry(data);
  if (!entry) return std::unexpected(entry.error());
  std::size_t commands = entry->own.size();
  for (const auto& batch : entry->batches)
    commands += batch.commands.size();
  if (commands > 1)
    return fail(ReplyCode::internal_error, "malformed catalog entry: more than one command");
  stamp_ = std::max(stamp_, entry->stamp);
  for (const auto& batch : entry->batches) {
    if (ledger_.admit(batch.session, batch.number) != session::Admission::apply) continue;
    std::vector<catalog::Outcome> outcomes;
    for (const auto& command : batch.commands)
      outcomes.push_back(run(index, command, applied));
    // A command may have ended its own session (a node that registers anew).
    if (ledger_.admit(batch.session, batch.number) != session::Admission::apply) continue;
    ledger_.record(batch.session, batch.number, encode_catalog_outcomes(outcomes));
    ledger_.release(batch.session, batch.released);
    applied.recorded.push_back({batch.session, batch.number});
  }
  for (const auto& command : entry->own)
    applied.own.emplace_back(index, run(index, command, applied));
  skip(index);
  return {};
}

catalog::Outcome CatalogState::run(EntryIndex index, const catalog::Command& command,
                                   CatalogApplied& applied) {
  catalog::Applied done = catalog_.apply(CatalogIndex(index.value), command, stamp_);
  auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append(applied.effects.queues_gone, done.effects.queues_gone);
  append(applied.effects.incarnations_ended, done.effects.incarnations_ended);
  append(applied.effects.placement_changed, done.effects.placement_changed);
  for (const auto& ended : done.effects.incarnations_ended) {
    SessionId session{ended.node, ended.incarnation};
    ledger_.end(session);
    applied.ended.push_back(session);
  }
  return done.outcome;
}

void CatalogState::skip(EntryIndex index) {
  applied_ = index;
  if (catalog_.index().value < index.value) catalog_.advance(CatalogIndex(index.value));
}

std::vector<StatePart> CatalogState::parts() const {
  ByteWriter out;
  out.u8(part_version);
  out.varint(applied_.value);
  out.varint(stamp_.value);
  out.string(ledger_.serialise());
  out.string(catalog_.snapshot_octets());
  std::vector<StatePart> parts;
  parts.push_back({"g", out.take()});
  return parts;
}

Result<void> CatalogState::restore(const std::string& key, const std::string& octets) {
  ByteReader in(octets);
  bool known = key == "g" && in.u8() == part_version;
  applied_ = EntryIndex(in.varint());
  stamp_ = Stamp(in.varint());
  auto ledger = session::Ledger::restore(in.string());
  auto catalog = catalog::Catalog::restore(in.string());
  if (!known || !in.ok() || !in.at_end() || !ledger || !catalog)
    return fail(ReplyCode::internal_error, "malformed catalog snapshot");
  ledger_ = std::move(*ledger);
  catalog_ = std::move(*catalog);
  return {};
}

}  // namespace warren::replica
