// The catalog group's log, entry after entry, or, behind an empty first piece, its snapshot: what
// decodes says the same once it was encoded again, the catalog applies it whatever it says, and a
// snapshot after it restores to the same state.
#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/base/check.h"
#include "broker/replica/catalog_state.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/round_trip.h"

using namespace warren;
using namespace warren::replica;

namespace {

void check_codec(const std::string& octets) {
  auto entry = decode_catalog_entry(octets);
  if (!entry) return;
  auto again = encode_catalog_entry(*entry);
  auto second = decode_catalog_entry(*again);
  CHECK(second.has_value() && *encode_catalog_entry(*second) == *again);
}

void apply(const std::vector<std::string>& entries) {
  CatalogState state;
  std::uint64_t index = 0;
  for (const std::string& entry : entries) {
    check_codec(entry);
    CatalogApplied applied;
    static_cast<void>(state.apply(EntryIndex(++index), entry, applied));
  }
  fuzz::check_snapshot(state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> pieces = fuzz::pieces_of(data, size);
  if (pieces.empty()) return 0;
  if (!pieces[0].empty()) {
    apply(pieces);
    return 0;
  }
  CatalogState state;
  if (pieces.size() > 1 && state.restore("g", pieces[1])) fuzz::check_snapshot(state);
  return 0;
}
