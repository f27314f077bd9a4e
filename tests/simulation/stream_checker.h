// What every reader of a stream must see: the same log, from where it began, without a gap and
// nothing twice, whoever leads. One for a run.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "broker/base/ids.h"
#include "tests/simulation/world.h"

namespace warren::simulation {

class StreamChecker {
 public:
  explicit StreamChecker(World& world) : world_(world) {}

  // A new channel reads: from the first message on, or from where `name` had come to.
  void on_begin(std::uint64_t channel, QueueId queue, const std::string& name);
  void on_read(std::uint64_t channel, Ordinal offset);
  void on_acknowledged(std::uint64_t channel, Ordinal offset);
  // True: nobody has seen that offset before.
  bool on_message(QueueId queue, Ordinal offset, MessageId message, std::uint64_t publisher,
                  std::uint64_t sequence, bool in_order);
  // Has the channel read everything below?
  bool is_at(std::uint64_t channel, Ordinal next) const;
  // Each publisher's messages stand in the order in which it sent them.
  void at_end();

 private:
  struct Reader {
    QueueId queue;
    std::string name;
    std::optional<Ordinal> next;  // nothing: it has read nothing yet
  };
  struct Progress {  // of a name
    Ordinal floor;   // everything below was acknowledged
    std::set<Ordinal> above;
  };
  struct Seen {
    MessageId message;
    std::uint64_t publisher = 0, sequence = 0;
    bool in_order = false;
  };

  World& world_;
  std::map<std::uint64_t, Reader> readers_;
  std::map<std::pair<QueueId, std::string>, Progress> progress_;
  std::map<std::pair<QueueId, Ordinal>, Seen> log_;
};

}  // namespace warren::simulation
