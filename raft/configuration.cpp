#include "raft/configuration.h"

#include <algorithm>
#include <iterator>

namespace warren::raft {
namespace {

constexpr char format_version = 1;
constexpr std::size_t member_size = 4 + 8 + 8;

template <typename Integer>
void put(std::string& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
  }
}

// REQUIRES: enough bytes.
template <typename Integer>
Integer get(std::string_view& in) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value |= static_cast<Integer>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  in.remove_prefix(sizeof(Integer));
  return value;
}

void put_members(std::string& out, const std::vector<MemberId>& members) {
  put(out, static_cast<std::uint32_t>(members.size()));
  for (const MemberId& member : members) {
    put(out, member.node);
    put(out, member.disk);
    put(out, member.assigned);
  }
}

bool get_members(std::string_view& in, std::vector<MemberId>& members) {
  if (in.size() < 4) return false;
  const auto count = get<std::uint32_t>(in);
  if (in.size() / member_size < count) return false;
  members.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    MemberId member;
    member.node = get<std::uint32_t>(in);
    member.disk = get<std::uint64_t>(in);
    member.assigned = get<std::uint64_t>(in);
    members.push_back(member);
  }
  return true;
}

bool strictly_sorted(const std::vector<MemberId>& members) {
  return std::adjacent_find(members.begin(), members.end(), std::greater_equal<>()) ==
         members.end();
}

}  // namespace

bool is_voter(const Configuration& configuration, MemberId member) {
  return std::binary_search(configuration.voters.begin(), configuration.voters.end(), member);
}

bool is_learner(const Configuration& configuration, MemberId member) {
  return std::binary_search(configuration.learners.begin(), configuration.learners.end(), member);
}

bool is_member(const Configuration& configuration, MemberId member) {
  return is_voter(configuration, member) || is_learner(configuration, member);
}

bool well_formed(const Configuration& configuration) {
  std::vector<MemberId> both;
  std::ranges::set_intersection(configuration.voters, configuration.learners,
                                std::back_inserter(both));
  return strictly_sorted(configuration.voters) && strictly_sorted(configuration.learners) &&
         both.empty();
}

bool one_step_apart(const Configuration& from, const Configuration& to) {
  std::vector<MemberId> changed;
  std::ranges::set_symmetric_difference(from.voters, to.voters, std::back_inserter(changed));
  return changed.size() <= 1;
}

std::string encode_configuration(const Configuration& configuration) {
  std::string out(1, format_version);
  put_members(out, configuration.voters);
  put_members(out, configuration.learners);
  return out;
}

std::optional<Configuration> decode_configuration(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != format_version) return std::nullopt;
  bytes.remove_prefix(1);
  Configuration configuration;
  if (!get_members(bytes, configuration.voters)) return std::nullopt;
  if (!get_members(bytes, configuration.learners)) return std::nullopt;
  if (!bytes.empty() || !well_formed(configuration)) return std::nullopt;
  return configuration;
}

}  // namespace warren::raft
