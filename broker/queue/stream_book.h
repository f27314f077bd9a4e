// What a stream's record keeps beside its messages: when they came, so that a reader can begin at a
// time and old ones can go by age; and how far each tracked consumer has read. Part of the
// replicated state, owned by a QueueRecord; pure: any thread, one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/base/codec.h"
#include "broker/base/ids.h"

namespace warren::queue {

class StreamBook {
 public:
  // Times are told to a second: a run of messages that came within one costs one entry.
  static constexpr std::uint64_t run_ms = 1000;
  // Clients make up tags: those that were heard of last are kept.
  static constexpr std::size_t most_readers = 4096;

  // REQUIRES: ordinals ascend; stamps never fall.
  void note(Ordinal ordinal, Stamp stamp);
  // What came at `stamp` or later stands at or above this, and at most a second's messages before.
  // Nothing: nothing came so late.
  std::optional<Ordinal> since(Stamp stamp) const;
  // Everything below came before `stamp`. Nothing: that is not known of any.
  std::optional<Ordinal> before(Stamp stamp) const;
  // Messages below `first` are gone.
  void trim(Ordinal first);
  // Everything below is gone; from here on, everything is there.
  Ordinal first() const { return first_; }

  // The consumers of that tag are there, and have acknowledged everything below `next`. Never
  // falls.
  void read_through(std::string_view tag, Ordinal next);
  std::optional<Ordinal> read_through(std::string_view tag) const;
  std::size_t readers() const { return readers_.size(); }

  std::size_t runs() const { return runs_.size(); }
  std::size_t memory_octets() const;

  void encode(ByteWriter& out) const;
  // REQUIRES: nothing was ever in it. False: malformed.
  bool decode(ByteReader& in);

 private:
  struct Run {
    Ordinal first;
    Stamp began;
  };
  Ordinal first_;
  std::deque<Run> runs_;  // ascending in both
  struct Reader {
    Ordinal next;
    std::uint64_t turn = 0;  // when it was heard of last
  };
  std::map<std::string, Reader, std::less<>> readers_;
  std::uint64_t turn_ = 0;
};

}  // namespace warren::queue
