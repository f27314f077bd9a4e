#include "broker/routing/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace warren::routing {
namespace {

TEST(Hash, EveryOctetLengthAndSeedCounts) {
  std::set<std::uint64_t> hashes;
  for (std::size_t length = 0; length <= 255; ++length)
    hashes.insert(hash_octets(std::string(length, '\0')));
  for (std::size_t at = 0; at < 64; ++at) {
    std::string octets(64, 'x');
    octets[at] = 'y';
    hashes.insert(hash_octets(octets));
  }
  for (std::uint64_t seed = 1; seed <= 100; ++seed)
    hashes.insert(hash_octets("x", seed));
  EXPECT_EQ(hashes.size(), 256u + 64 + 100);
}

TEST(Hash, LowBitsSpreadForNamesThatCount) {
  std::set<std::uint64_t> places;
  for (int i = 0; i < 320; ++i)
    places.insert(hash_octets("queue-" + std::to_string(i)) & 31);
  EXPECT_EQ(places.size(), 32u);
}

}  // namespace
}  // namespace warren::routing
