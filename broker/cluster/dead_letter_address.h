// What a dead letter is as a publish, and where that goes by a catalog. Pure: any thread.
// docs/decisions/0008-dead-letters.md, Features §1.C.
#pragma once

#include <boost/container/small_vector.hpp>
#include <vector>

#include "broker/base/ids.h"
#include "broker/catalog/snapshot.h"
#include "broker/queue/client_command.h"
#include "broker/replica/dead_letter_job.h"

namespace warren::cluster {

struct AddressedLetter {
  struct Target {
    GroupId group;
    boost::container::small_vector<QueueId, 4> queues;
    bool buries = false;  // what it refuses is its own dead letter
  };
  // Without origin, queues and upload. Its content has a buffer of its own.
  queue::Publish publish;
  std::vector<Target> targets;
  // Queues that it came back to: it would go round for ever, and goes no further.
  std::vector<QueueId> cycles;
  bool found = false;  // a queue, be it one that was left out: it has it, or had it before
};

// One target a queue for letters that are retained, for each must say that it has it; else one a
// group.
AddressedLetter address_letter(const replica::DeadLetterJob& job, const catalog::Snapshot& catalog);

}  // namespace warren::cluster
