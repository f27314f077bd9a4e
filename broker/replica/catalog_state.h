// CatalogState: the state of group 0: the sessions' ledger and the catalog. One command an entry,
// for its index becomes an id. Pure; see group_state.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/catalog/catalog.h"
#include "broker/replica/catalog_codec.h"
#include "broker/replica/group_state.h"

namespace warren::replica {

struct CatalogApplied {
  catalog::Effects effects;
  struct Recorded {
    SessionId session;
    BatchNumber number;
  };
  std::vector<Recorded> recorded;
  std::vector<SessionId> ended;
  // Outcomes of the leader's own commands, by their entry.
  std::vector<std::pair<EntryIndex, catalog::Outcome>> own;
};

class CatalogState final : public GroupState {
 public:
  Result<void> apply(EntryIndex index, std::string_view data, CatalogApplied& applied);
  void skip(EntryIndex index);  // a no-op or a configuration

  const catalog::Catalog& catalog() const { return catalog_; }

  std::vector<StatePart> take_parts(bool) override { return parts(); }
  std::vector<StatePart> parts() const override;
  Result<void> restore(const std::string& key, const std::string& octets) override;

 private:
  catalog::Outcome run(EntryIndex index, const catalog::Command& command, CatalogApplied& applied);

  catalog::Catalog catalog_;
};

}  // namespace warren::replica
