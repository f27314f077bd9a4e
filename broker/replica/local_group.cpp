#include "broker/replica/local_group.h"

#include <utility>
#include <variant>

#include "broker/base/check.h"

namespace warren::replica {
namespace {

QueueHostConfig local_config(QueueHostConfig config) {
  config.dispatcher.local = true;
  return config;
}

}  // namespace

LocalGroup::LocalGroup(SessionId life, LocalGroupOutlet& outlet, QueueHostConfig config,
                       std::shared_ptr<const catalog::Snapshot> catalog, Stamp wall, BootTime now)
    : group_(local_group_of(life.node)), life_(life.incarnation), outlet_(outlet), last_(1) {
  state_.apply_no_op(last_, Term(1));
  host_ = std::make_unique<QueueHost>(group_, state_, static_cast<QueueHostPorts&>(*this),
                                      local_config(config), std::move(catalog), Term(1), wall, now);
}

// The session began in a life of this node that is over: nothing that it waits for will be known
// here. Were it let in, its numbers would mean other batches. Or this life is the one that is over,
// and its node has not heard yet.
bool LocalGroup::is_for_another_life(const session::ToHost& message) {
  const auto* open = std::get_if<session::Open>(&message.body);
  if (open == nullptr || open->host == life_) return false;
  if (open->host < life_)
    send({message.session, message.epoch, session::Ended{}});
  else
    send({message.session, message.epoch, session::NotLeader{}});
  return true;
}

void LocalGroup::on_session_message(session::ToHost message, BootTime now) {
  if (is_for_another_life(message)) return;
  host_->on_message(std::move(message), now);
}

void LocalGroup::on_session_streams_lost(NodeId node, BootTime now) {
  host_->on_streams_lost(node, now);
}

void LocalGroup::on_dead_letter_answers(std::span<const DeadLetterAnswer> answers, BootTime now) {
  host_->on_dead_letter_answers(answers, now);
}

void LocalGroup::set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                             const catalog::Effects& effects) {
  // Nobody but this replica resolves batches, so its own catalog is the floor.
  host_->set_catalog_floor(catalog->index());
  host_->on_catalog(std::move(catalog), effects);
}

bool LocalGroup::turn(BootTime now) {
  bool more = host_->turn(now);
  // What was just committed may free deliveries and answers: these need no further turn.
  while (apply_proposed(now))
    more = host_->turn(now) || more;
  for (EntryIndex entry : std::exchange(to_read_, {})) {
    auto at = contents_.find(entry);
    host_->on_contents(entry, at == contents_.end() ? nullptr : at->second);
    more = true;
  }
  return more;
}

void LocalGroup::end() {
  host_->end(NodeId());
}

raft::ProposeResult LocalGroup::propose(std::shared_ptr<const std::string> entry) {
  proposed_.emplace_back(++last_, std::move(entry));
  return {raft::ProposeOutcome::proposed, raft::Index(last_.value), raft::Term(1), {}};
}

bool LocalGroup::apply_proposed(BootTime now) {
  if (proposed_.empty()) return false;
  QueueApplied applied;
  for (auto& [index, data] : std::exchange(proposed_, {})) {
    auto done = state_.apply(index, Term(1), data, applied);
    CHECK(done.has_value(), "own entry {}: {}", index, done.error().text);
  }
  for (const auto& [index, contents] : applied.contents)
    if (!state_.entry_dead(index)) {
      content_bytes_ += contents->bytes;
      contents_[index] = contents;
    }
  for (EntryIndex index : applied.queues.dead_entries) {
    auto at = contents_.find(index);
    if (at == contents_.end() || !state_.entry_dead(index)) continue;
    content_bytes_ -= at->second->bytes;
    contents_.erase(at);
  }
  host_->on_applied(applied, now);
  return true;
}

void LocalGroup::send(session::ToClient message) {
  outlet_.send(group_, std::move(message));
}
void LocalGroup::read_entries(std::vector<EntryIndex> entries) {
  to_read_.insert(to_read_.end(), entries.begin(), entries.end());
}
void LocalGroup::on_queue_sealed(QueueId queue) {
  outlet_.on_queue_sealed(group_, queue);
}
void LocalGroup::on_queue_unused(QueueId queue) {
  outlet_.on_queue_unused(group_, queue);
}
void LocalGroup::on_dead_letters(std::vector<DeadLetterJob> letters) {
  outlet_.on_dead_letters(group_, std::move(letters));
}

}  // namespace warren::replica
