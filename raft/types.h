// The vocabulary of a Raft group. Pure values: any thread. Raft thesis chapters 3, 4 and 6.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warren::raft {

// Declared here first: `struct XTag` within a template argument would name another namespace's
// where that is visible, and make another type of it.
struct TermTag;
struct IndexTag;
struct GroupIdTag;

template <typename Tag, typename Integer = std::uint64_t>
struct Number {
  Integer value = 0;
  constexpr Number() = default;
  constexpr explicit Number(Integer v) : value(v) {}
  constexpr auto operator<=>(const Number&) const = default;
  constexpr Number next(Integer by = 1) const { return Number(value + by); }
  constexpr Number previous(Integer by = 1) const { return Number(value - by); }
};

using Term = Number<TermTag>;    // 0: none
using Index = Number<IndexTag>;  // first entry is 1; 0: before the log
using GroupId = Number<GroupIdTag, std::uint32_t>;

// A member is one store's replica of one group. It is never reused: neither a wiped disk nor a
// replica that moved away and came back can be taken for one that voted before.
struct MemberId {
  std::uint32_t node = 0;      // 0: nobody
  std::uint64_t disk = 0;      // random id of the store
  std::uint64_t assigned = 0;  // catalog index of the assignment
  constexpr auto operator<=>(const MemberId&) const = default;
  constexpr explicit operator bool() const { return node != 0; }
};

// Thesis §4.1: one-at-a-time changes, so any two configurations' majorities overlap.
struct Configuration {
  std::vector<MemberId> voters;    // sorted
  std::vector<MemberId> learners;  // sorted; receive the log, never vote
  bool operator==(const Configuration&) const = default;
};

enum class EntryKind : std::uint8_t {
  no_op = 0,          // of a new leader, thesis §6.4
  command = 1,        // for the state machine
  configuration = 2,  // for the group itself; takes effect when appended
};

// Immutable once made. `data` shares its buffer: copying an entry copies no payload.
struct Entry {
  Term term;
  Index index;
  EntryKind kind = EntryKind::no_op;
  std::shared_ptr<const std::string> data;  // null means empty; encoded Configuration for that kind

  std::string_view bytes() const { return data ? std::string_view(*data) : std::string_view(); }
};

// What must be durable before a promise is made from it (thesis figure 3.1, "persistent state").
struct HardState {
  Term term;
  MemberId vote;  // nobody: not voted in this term
  Index commit;   // durable hint only; may lag
  bool operator==(const HardState&) const = default;
};

struct SnapshotMeta {
  Index index;
  Term term;
  Configuration configuration;
  bool operator==(const SnapshotMeta&) const = default;
};

}  // namespace warren::raft
