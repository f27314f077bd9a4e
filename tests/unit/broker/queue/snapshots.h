// A machine's snapshot in one piece, and a machine made of it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "broker/queue/machine.h"

namespace warren::queue {

// Restored from its own snapshot, which must come out the same again.
inline Machine copy_by_snapshot(const Machine& machine) {
  Machine copy;
  EXPECT_TRUE(copy.restore_group(machine.group_octets()));
  machine.for_each_queue([&](const QueueRecord& record) {
    EXPECT_TRUE(copy.restore_queue(*machine.queue_octets(record.id)));
  });
  return copy;
}

inline std::string snapshot_of(const Machine& machine) {
  std::string all = machine.group_octets();
  machine.for_each_queue(
      [&](const QueueRecord& record) { all += *machine.queue_octets(record.id); });
  return all;
}

}  // namespace warren::queue
