// Log entries of a queue group: what decodes says the same once it was encoded again, its contents
// can be read, and a machine applies it whatever it says.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/queue/invariants.h"
#include "broker/replica/command_codec.h"
#include "broker/replica/queue_state.h"

using namespace warren;
using namespace warren::replica;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto octets = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  auto entry = decode_entry(octets);
  auto contents = decode_contents(octets);
  if (!entry) return 0;
  auto again = encode_entry(*entry);
  auto second = decode_entry(again);
  CHECK(second.has_value() && *encode_entry(*second) == *again);
  if (!contents) return 0;
  QueueState state;
  QueueApplied applied;
  if (state.apply(EntryIndex(7), Term(1), octets, applied))
    CHECK(queue::broken_invariant(state.machine()).empty());
  return 0;
}
