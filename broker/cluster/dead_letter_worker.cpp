#include "broker/cluster/dead_letter_worker.h"

#include <algorithm>
#include <utility>

#include "broker/runtime/log.h"

namespace warren::cluster {

namespace {
constexpr std::size_t most_told_cycles = 1024;  // more are told again
}

DeadLetterWorker::DeadLetterWorker(Door& door, Answer answer)
    : door_(door), answer_(std::move(answer)), channel_(door.open_channel(this)) {}

void DeadLetterWorker::take(GroupId source, std::vector<replica::DeadLetterJob> letters) {
  for (replica::DeadLetterJob& job : letters)
    unrouted_.push_back({source, std::move(job)});
  route_all();
}

void DeadLetterWorker::route_all() {
  while (!unrouted_.empty() && door_.may_route()) {
    Waiting letter = std::move(unrouted_.front());
    unrouted_.pop_front();
    start(std::move(letter));
  }
  if (!unrouted_.empty() && !std::exchange(awaits_lease_, true))
    door_.when_routable([this] {
      awaits_lease_ = false;
      route_all();
    });
  send_answers();
}

void DeadLetterWorker::start(Waiting letter) {
  const replica::DeadLetterJob& job = letter.job;
  AddressedLetter to = address_letter(job, *door_.catalog());
  tell_cycles(job, to.cycles);
  if (to.targets.empty())
    return answer(letter.source,
                  {job.queue, job.number, to.found || !job.route.retained, job.reached});
  if (job.parts.empty()) return publish(letter, std::move(to), nullptr);
  const std::uint32_t number = last_upload_ + 1;
  last_upload_ += static_cast<std::uint32_t>(to.targets.size());
  uploads_.try_emplace(number, std::move(letter), std::move(to), number);
  fetch_part(number);
}

// Once: there is one with each letter that goes round.
void DeadLetterWorker::tell_cycles(const replica::DeadLetterJob& job,
                                   std::span<const QueueId> targets) {
  for (QueueId target : targets) {
    if (told_cycles_.size() >= most_told_cycles) told_cycles_.clear();
    if (!told_cycles_.emplace(job.queue, target).second) continue;
    const catalog::QueueInfo* queue = door_.catalog()->queue(target);
    runtime::log_warning(
        "dead letters of queue '{}' in vhost '{}' go round: they died in queue '{}' before, with "
        "no "
        "reject in between, and are dropped instead of going there again (told once)",
        job.route.queue, job.route.vhost, queue == nullptr ? "" : queue->name);
  }
}

void DeadLetterWorker::publish(const Waiting& letter, AddressedLetter to, const Upload* upload) {
  const std::uint64_t first = last_tag_ + 1;
  last_tag_ += to.targets.size();
  const replica::DeadLetterJob& job = letter.job;
  under_way_[first] = {letter.source,
                       {job.queue, job.number, to.found || !job.route.retained, job.reached},
                       job.route.retained,
                       to.targets,
                       to.targets.size()};
  queue::Publish command = std::move(to.publish);
  for (std::size_t i = 0; i < to.targets.size(); ++i) {
    command.origin = {channel_, first + i};
    command.queues = to.targets[i].queues;
    if (upload != nullptr) {
      command.upload = upload_id(*upload, i);
      command.upload_octets = upload->octets;
    }
    std::vector<queue::ClientCommand> commands;
    commands.emplace_back(command);
    door_.submit(to.targets[i].group, std::move(commands));
  }
}

// Without a word for at-least-once, a queue that refuses it, or is gone, has lost it; a retained
// letter is routed anew.
bool DeadLetterWorker::has_it(const UnderWay& letter, const AddressedLetter::Target& target,
                              queue::OutcomeCode code) {
  switch (code) {
    case queue::OutcomeCode::ok:
      return true;
    case queue::OutcomeCode::rejected:
      return !letter.retained || target.buries;
    case queue::OutcomeCode::queue_gone:
      return !letter.retained;
    default:
      return false;
  }
}

// Parts have no tag: should one be lost, its letter is refused.
void DeadLetterWorker::on_outcomes(std::span<const CommandOutcome> outcomes) {
  for (const CommandOutcome& told : outcomes) {
    auto at = under_way_.upper_bound(told.origin.tag);
    if (at == under_way_.begin()) continue;
    --at;
    UnderWay& letter = at->second;
    const std::uint64_t number = told.origin.tag - at->first;
    if (number >= letter.targets.size()) continue;
    const AddressedLetter::Target& target = letter.targets[number];
    if (has_it(letter, target, told.outcome.code))
      letter.answer.reached.insert(letter.answer.reached.end(), target.queues.begin(),
                                   target.queues.end());
    else
      letter.answer.done = false;
    if (--letter.left > 0) continue;
    answer(letter.source, std::move(letter.answer));
    under_way_.erase(at);
  }
  send_answers();
}

// --- Large bodies, each by itself.

void DeadLetterWorker::fetch_part(std::uint32_t number) {
  const Upload& upload = uploads_.at(number);
  door_.fetch(upload.letter.source, upload.letter.job.parts[upload.sent].at,
              [this, number](const Result<std::optional<Bytes>>& octets) {
                on_part(number, octets);
                send_answers();
              });
}

void DeadLetterWorker::on_part(std::uint32_t number, const Result<std::optional<Bytes>>& octets) {
  if (!octets || !*octets) return give_up(number);
  Upload& upload = uploads_.at(number);
  const Bytes& part = **octets;
  upload.octets += part.size();
  ++upload.sent;
  for (std::size_t i = 0; i < upload.to.targets.size(); ++i) {
    std::vector<queue::ClientCommand> commands;
    commands.emplace_back(
        queue::Part{{channel_, 0}, upload_id(upload, i), {part.owner(), {}, {}, {}, part.view()}});
    door_.submit(upload.to.targets[i].group, std::move(commands));
  }
  await_room(number);
}

// The next part, or the end, once every target takes more.
void DeadLetterWorker::await_room(std::uint32_t number) {
  const Upload& upload = uploads_.at(number);
  for (const AddressedLetter::Target& target : upload.to.targets)
    if (!door_.writable(target.group))
      return door_.when_writable(target.group, [this, number] {
        await_room(number);
        send_answers();
      });
  if (upload.sent < upload.letter.job.parts.size())
    fetch_part(number);
  else
    end_upload(number);
}

void DeadLetterWorker::end_upload(std::uint32_t number) {
  Upload whole = std::move(uploads_.extract(number).mapped());
  AddressedLetter to = std::move(whole.to);
  publish(whole.letter, std::move(to), &whole);
}

void DeadLetterWorker::give_up(std::uint32_t number) {
  const Upload lost = std::move(uploads_.extract(number).mapped());
  for (std::size_t i = 0; i < lost.to.targets.size(); ++i) {
    std::vector<queue::ClientCommand> commands;
    commands.emplace_back(queue::DropUpload{{channel_, 0}, upload_id(lost, i)});
    door_.submit(lost.to.targets[i].group, std::move(commands));
  }
  const replica::DeadLetterJob& job = lost.letter.job;
  answer(lost.letter.source, {job.queue, job.number, false, job.reached});
}

void DeadLetterWorker::answer(GroupId source, replica::DeadLetterAnswer answer) {
  answers_[source].push_back(std::move(answer));
}

void DeadLetterWorker::send_answers() {
  for (auto& [source, told] : std::exchange(answers_, {}))
    answer_(source, std::move(told));
}

}  // namespace warren::cluster
