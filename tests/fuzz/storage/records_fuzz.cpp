// The store's own records and a group's configuration, the first octet says which: what decodes
// says the same once it was encoded again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/base/check.h"
#include "raft/configuration.h"
#include "storage/keys.h"
#include "tests/fuzz/round_trip.h"

using namespace warren;
using namespace warren::storage;

namespace {

template <typename Decode>
void check(std::string_view octets, Decode decode) {
  fuzz::check_round_trip(octets, decode, [](const auto& value) { return encode(value); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 0:
      check(octets, decode_member);
      break;
    case 1:
      check(octets, decode_hard_state);
      break;
    case 2:
      check(octets, decode_log_start);
      break;
    case 3:
      check(octets, decode_snapshot);
      break;
    case 4:
      check(octets, decode_installed);
      break;
    case 5:
      check(octets, decode_begun);
      break;
    case 6:
      check(octets, decode_clock);
      break;
    case 7:
      if (auto configuration = raft::decode_configuration(octets))
        CHECK(raft::encode_configuration(*configuration) == octets);
      break;
    default:
      break;
  }
  return 0;
}
