// Commands to the catalog group as its log and its session batches hold them, and their outcomes.
// Every command carries its kind; every batch and entry its version. Pure: any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/catalog/command.h"

namespace warren::replica {

Bytes encode_catalog_batch(std::span<const catalog::Command> commands);
Result<std::vector<catalog::Command>> decode_catalog_batch(std::string_view octets);

std::string encode_catalog_outcomes(std::span<const catalog::Outcome> outcomes);
Result<std::vector<catalog::Outcome>> decode_catalog_outcomes(std::string_view octets);

// One entry of group 0's log.
struct CatalogEntryBatch {
  SessionId session;
  BatchNumber number;
  BatchNumber released;
  std::vector<catalog::Command> commands;
};
struct CatalogEntry {
  Stamp stamp;
  std::vector<CatalogEntryBatch> batches;
  std::vector<catalog::Command> own;  // the leader's: registrations, dead nodes
};

std::shared_ptr<const std::string> encode_catalog_entry(const CatalogEntry& entry);
Result<CatalogEntry> decode_catalog_entry(std::string_view octets);

}  // namespace warren::replica
