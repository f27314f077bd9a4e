// GroupState: what one group's log builds up, behind one face for the group set: the catalog's or
// queues. A pure function of the log: replicas that applied the same entries have byte-identical
// parts. Owned by its group in GroupSet or LocalGroup, on its reactor. Architecture §6, §7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/session/ledger.h"
#include "raft/types.h"
#include "storage/crc32c.h"

namespace warren::replica {

// One part of a snapshot; a snapshot writes those that changed since the one before.
struct StatePart {
  std::string key;                    // "g" the group, "q" + 8 octets one queue
  std::optional<std::string> octets;  // nothing: the part is gone
};

class GroupState {
 public:
  virtual ~GroupState() = default;

  // The parts that changed since the last call (all of them, when `everything`), and forgets that
  // they did.
  virtual std::vector<StatePart> take_parts(bool everything) = 0;
  // All parts, as take_parts(true) has them.
  virtual std::vector<StatePart> parts() const = 0;
  // Into an empty state; parts in any order, the group's first.
  virtual Result<void> restore(const std::string& key, const std::string& octets) = 0;

  // A checksum of all parts: replicas that have applied as much have the same. Costs what writing
  // all of the state would.
  std::uint32_t digest() const {
    std::uint32_t sum = 0;
    for (const StatePart& part : parts())
      for (const std::string* octets : {&part.key, &*part.octets})
        sum = storage::crc32c_extend(sum, octets->data(), octets->size());
    return sum;
  }

  const session::Ledger& ledger() const { return ledger_; }
  Stamp stamp() const { return stamp_; }
  EntryIndex applied() const { return applied_; }

 protected:
  session::Ledger ledger_;
  Stamp stamp_;
  EntryIndex applied_;
};

}  // namespace warren::replica
