// A dead letter on its way out of its group, and what became of it. Pure values: any thread.
// docs/decisions/0008-dead-letters.md.
#pragma once

#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/content.h"
#include "broker/queue/dead_letters.h"

namespace warren::replica {

struct DeadLetterJob {
  QueueId queue;
  queue::DeadLetterNumber number;
  queue::DeadLettering route;
  queue::DeathReason reason = queue::DeathReason::rejected;
  Stamp died;
  queue::Content content;              // as it was published, or was a dead letter before
  std::vector<queue::BodyPart> parts;  // of its body, before the content's own octets
  std::vector<QueueId> reached;        // by an earlier try: they have it
};

struct DeadLetterAnswer {
  QueueId queue;
  queue::DeadLetterNumber number;
  bool done = false;             // else: give it again, a little later
  std::vector<QueueId> reached;  // so far
};

}  // namespace warren::replica
