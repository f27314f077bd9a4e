// A queue group's log, entry after entry: what decodes says the same once it was encoded again, its
// contents can be read, a machine applies it whatever it says, and a snapshot after it restores to
// the same state.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/queue/invariants.h"
#include "broker/replica/command_codec.h"
#include "broker/replica/queue_state.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/round_trip.h"

using namespace warren;
using namespace warren::replica;

namespace {

void check_codec(const std::shared_ptr<const std::string>& octets) {
  auto entry = decode_entry(octets);
  decode_contents(octets);
  if (!entry) return;
  auto again = encode_entry(*entry);
  auto second = decode_entry(again);
  CHECK(second.has_value() && *encode_entry(*second) == *again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  QueueState state;
  std::uint64_t index = 0;
  for (std::string& piece : fuzz::pieces_of(data, size)) {
    ++index;
    // A leader's first entry has no octets.
    if (piece.empty()) {
      state.apply_no_op(EntryIndex(index), Term(index));
      continue;
    }
    auto octets = std::make_shared<const std::string>(std::move(piece));
    check_codec(octets);
    QueueApplied applied;
    if (state.apply(EntryIndex(index), Term(index), octets, applied))
      CHECK(queue::broken_invariant(state.machine()).empty());
  }
  fuzz::check_snapshot(state);
  return 0;
}
