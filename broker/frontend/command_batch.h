// CommandBatch: the commands that one connection gathers in one turn, by group, in order within
// each: one submit a group; and what its consumers of streams are done with, one call a consumer.
// Owned by the connection; its reactor.
#pragma once

#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/cluster/door.h"
#include "broker/queue/client_command.h"

namespace warren::frontend {

class CommandBatch {
 public:
  bool empty() const { return groups_.empty() && acknowledged_.empty(); }

  void publish(GroupId group, queue::Publish command) {
    PerGroup& to = of(group);
    to.publishes = true;
    to.commands.emplace_back(std::move(command));
  }
  void part(GroupId group, queue::Part command) {
    PerGroup& to = of(group);
    to.publishes = true;
    to.commands.emplace_back(std::move(command));
  }
  void add(GroupId group, queue::ClientCommand command) {
    of(group).commands.push_back(std::move(command));
  }
  // Joins the group's last command when that settles the same queue in the same way. True: a
  // command of its own was begun, whose outcome will come.
  bool settle(GroupId group, queue::Origin origin, QueueId queue, queue::SettleKind kind,
              const queue::Held& held) {
    auto& commands = of(group).commands;
    if (!commands.empty()) {
      auto* last = std::get_if<queue::Settle>(&commands.back());
      if (last != nullptr && last->queue == queue && last->kind == kind &&
          last->origin.channel == origin.channel && last->origin.tag == origin.tag) {
        last->messages.push_back(held);
        return false;
      }
    }
    commands.emplace_back(queue::Settle{origin, queue, kind, {held}});
    return true;
  }
  void acknowledge(GroupId group, ConsumerNumber consumer, Ordinal offset) {
    for (Acknowledged& one : acknowledged_)
      if (one.consumer == consumer && one.group == group) return one.offsets.push_back(offset);
    acknowledged_.push_back({group, consumer, {offset}});
  }

  // `published` gets each group that took publishes or parts, after its submit.
  template <typename Published>
  void submit_to(cluster::Door& door, Published&& published) {
    for (Acknowledged& one : std::exchange(acknowledged_, {}))
      door.acknowledge(one.group, one.consumer, std::move(one.offsets));
    std::vector<PerGroup> groups = std::exchange(groups_, {});
    for (PerGroup& group : groups) {
      door.submit(group.id, std::move(group.commands));
      if (group.publishes) published(group.id);
    }
  }

 private:
  struct PerGroup {
    GroupId id;
    bool publishes = false;
    std::vector<queue::ClientCommand> commands;
  };
  struct Acknowledged {
    GroupId group;
    ConsumerNumber consumer;
    std::vector<Ordinal> offsets;
  };

  // A handful of groups: a scan beats a map.
  PerGroup& of(GroupId id) {
    for (PerGroup& group : groups_)
      if (group.id == id) return group;
    return groups_.emplace_back(PerGroup{id, false, {}});
  }

  std::vector<PerGroup> groups_;
  std::vector<Acknowledged> acknowledged_;
};

}  // namespace warren::frontend
