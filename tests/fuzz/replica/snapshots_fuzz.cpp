// The parts of a queue group's snapshot, the group's first: what is restored says the same once it
// was written again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/replica/queue_state.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/round_trip.h"

using namespace warren;
using namespace warren::replica;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  QueueState state;
  const std::vector<std::string> pieces = fuzz::pieces_of(data, size);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (!state.restore(i == 0 ? "g" : "q", pieces[i])) return 0;
  if (pieces.empty()) return 0;
  fuzz::check_snapshot(state);
  return 0;
}
