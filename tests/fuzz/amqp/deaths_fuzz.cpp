// A dead letter's properties: made of whatever a publisher gave, they decode, fit in a frame, count
// each death, and lose the expiration.
#include <cstddef>
#include <cstdint>

#include "broker/amqp/death.h"
#include "broker/amqp/frame_format.h"
#include "broker/base/check.h"

using namespace warren;
using namespace warren::amqp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool known = (data[0] & 1) != 0;
  const bool keeps_copies = (data[0] & 2) != 0;
  std::string raw(reinterpret_cast<const char*>(data) + 1, size - 1);
  // The second time it dies of something else, the third as the first.
  for (std::string_view reason : {"expired", "maxlen", "expired"}) {
    const bool first = raw.size() == size - 1;
    DeadProperties dead = with_death(raw, Death{"queue", reason, 1'700'000'000, "exchange", "key"},
                                     first ? known : true, keeps_copies);
    auto decoded = decode_properties(dead.raw);
    CHECK(decoded.has_value() && decoded->headers && decoded->headers->contains("x-death"));
    CHECK(!decoded->expiration);
    completes_cycle(*decoded->headers, "queue");
    completes_cycle(*decoded->headers, "another");
    raw = std::move(dead.raw);
  }
  return 0;
}
