// The parts of a queue group's snapshot, the group's first: what is restored says the same once it
// was written again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/base/check.h"
#include "broker/replica/queue_state.h"
#include "tests/fuzz/pieces.h"

using namespace warren;
using namespace warren::replica;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  QueueState state;
  const std::vector<std::string> pieces = fuzz::pieces_of(data, size);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (!state.restore(i == 0 ? "g" : "q", pieces[i])) return 0;
  if (pieces.empty()) return 0;
  QueueState again;
  for (const StatePart& part : state.parts())
    CHECK(again.restore(part.key, *part.octets).has_value());
  CHECK(again.digest() == state.digest());
  return 0;
}
