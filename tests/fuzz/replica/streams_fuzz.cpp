// What a node and a group's leader say to each other beside the log, and the outcomes of a batch:
// the first octet says which, and what decodes says the same once it was encoded again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/replica/outcome_codec.h"
#include "broker/replica/stream_codec.h"
#include "tests/fuzz/round_trip.h"

using namespace warren;
using namespace warren::replica;

namespace {

template <typename Decode, typename Encode>
void check(std::string_view octets, Decode decode, Encode encode) {
  fuzz::check_round_trip(Bytes::copy_of(octets), decode, encode);
}

void check_outcomes(std::string_view octets) {
  if (octets.empty()) return;
  const std::size_t expected = static_cast<unsigned char>(octets[0]);
  auto outcomes = decode_outcomes(octets.substr(1), expected);
  if (!outcomes) return;
  CHECK(outcomes->size() == expected);
  CHECK(decode_outcomes(encode_outcomes(*outcomes), expected) == *outcomes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 0:
      check(octets, decode_claims, [](const auto& v) { return encode_claims(v); });
      break;
    case 1:
      check(octets, decode_claim_reply, encode_claim_reply);
      break;
    case 2:
      check(octets, decode_request, encode_request);
      break;
    case 3:
      check(octets, decode_reply, encode_reply);
      break;
    case 4:
      check(octets, decode_event, encode_event);
      break;
    case 5:
      check_outcomes(octets);
      break;
    default:
      break;
  }
  return 0;
}
