#include "tests/simulation/letter_door.h"

#include <utility>
#include <variant>

namespace warren::simulation {

namespace {

// Above those of the workload.
constexpr std::uint64_t letter_channel = 1ull << 32;

}  // namespace

LetterDoor::LetterDoor(Process& process)
    : process_(process),
      worker_(*this, [this](GroupId source, const std::vector<replica::DeadLetterAnswer>& told) {
        process_.answer_letters(source, told);
      }) {}

void LetterDoor::take(GroupId source, std::vector<replica::DeadLetterJob> letters) {
  worker_.take(source, std::move(letters));
}

std::shared_ptr<const catalog::Snapshot> LetterDoor::catalog() const {
  return process_.shared_catalog();
}

std::uint64_t LetterDoor::open_channel(cluster::ChannelSink* sink) {
  sink_ = sink;
  return letter_channel;
}

void LetterDoor::submit(GroupId group, std::vector<queue::ClientCommand> commands) {
  for (const auto& command : commands)
    undecided_.insert(std::visit([](const auto& c) { return c.origin.tag; }, command));
  if (!process_.serving()) return process_.soon([this] { on_lost(); });
  process_.client(group).submit(std::move(commands), process_.now());
  process_.touch();
}

bool LetterDoor::on_outcome(const queue::CommandOutcome& outcome) {
  if (outcome.origin.channel != letter_channel) return false;
  process_.soon([this, outcome] {
    auto at = undecided_.find(outcome.origin.tag);
    if (at == undecided_.end()) return;
    undecided_.erase(at);
    sink_->on_outcomes(std::span(&outcome, 1));
  });
  return true;
}

void LetterDoor::on_lost() {
  std::vector<queue::CommandOutcome> lost;
  for (std::uint64_t tag : std::exchange(undecided_, {}))
    lost.push_back({{letter_channel, tag}, {queue::OutcomeCode::session_ended, 0}});
  sink_->on_outcomes(lost);
  for (auto& [id, done] : std::exchange(fetching_, {}))
    done(fail(ReplyCode::internal_error, "the node was lost"));
}

void LetterDoor::fetch(GroupId group, MessageId part, Fetched done) {
  const std::uint64_t id = ++last_fetch_;
  fetching_[id] = std::move(done);
  if (!process_.serving()) return process_.soon([this] { on_lost(); });
  process_.client(group).fetch(
      part,
      [this, id](Result<std::optional<Bytes>> octets) {
        process_.soon([this, id, octets = std::move(octets)] {
          auto at = fetching_.extract(id);
          if (!at.empty()) at.mapped()(octets);
        });
      },
      process_.now());
  process_.touch();
}

}  // namespace warren::simulation
