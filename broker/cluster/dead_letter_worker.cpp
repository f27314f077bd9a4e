#include "broker/cluster/dead_letter_worker.h"

#include <algorithm>
#include <utility>

namespace warren::cluster {

DeadLetterWorker::DeadLetterWorker(Door& door, Answer answer)
    : door_(door), answer_(std::move(answer)), channel_(door.open_channel(this)) {}

void DeadLetterWorker::take(GroupId source, std::vector<replica::DeadLetterJob> letters) {
  auto& jobs = lines_[source].jobs;
  std::ranges::move(letters, std::back_inserter(jobs));
  run(source);
}

void DeadLetterWorker::run(GroupId source) {
  Line& line = lines_[source];
  while (!line.jobs.empty() && may_go_on(source, line)) {
    replica::DeadLetterJob job = std::move(line.jobs.front());
    line.jobs.pop_front();
    start(source, line, std::move(job));
  }
  send_answers();
}

bool DeadLetterWorker::may_go_on(GroupId source, Line& line) {
  if (line.waiting || line.upload) return false;
  if (door_.may_route()) return true;
  line.waiting = true;
  door_.when_routable([this, source] {
    lines_[source].waiting = false;
    run(source);
  });
  return false;
}

void DeadLetterWorker::start(GroupId source, Line& line, replica::DeadLetterJob job) {
  AddressedLetter letter = address_letter(job, *door_.catalog());
  if (letter.targets.empty()) return answer(source, job, letter.in_circle || !job.route.retained);
  if (job.parts.empty()) {
    wait_for_room(source, line, letter);
    return publish(source, job, std::move(letter), nullptr);
  }
  line.upload =
      Upload{std::move(job), std::move(letter), queue::upload_of(channel_, ++last_upload_)};
  fetch_part(source, line);
}

// One command a group, with all of its queues that the letter reaches.
void DeadLetterWorker::publish(GroupId source, const replica::DeadLetterJob& job,
                               AddressedLetter letter, const Upload* upload) {
  const std::uint64_t tag = ++last_tag_;
  under_way_[tag] = {source, {job.queue, job.number, true}, letter.targets.size()};
  queue::Publish command = std::move(letter.publish);
  command.origin = {channel_, tag};
  if (upload != nullptr) {
    command.upload = upload->id;
    command.upload_octets = upload->octets;
  }
  for (const AddressedLetter::Target& target : letter.targets) {
    command.queues = target.queues;
    std::vector<queue::ClientCommand> commands;
    commands.emplace_back(command);
    door_.submit(target.group, std::move(commands));
  }
}

// This letter goes; those behind it wait until its groups take more.
void DeadLetterWorker::wait_for_room(GroupId source, Line& line, const AddressedLetter& letter) {
  for (const AddressedLetter::Target& target : letter.targets) {
    if (door_.writable(target.group)) continue;
    line.waiting = true;
    door_.when_writable(target.group, [this, source] {
      Line& full = lines_[source];
      full.waiting = false;
      if (full.upload) fetch_part(source, full);
      run(source);
    });
    return;
  }
}

void DeadLetterWorker::fetch_part(GroupId source, Line& line) {
  const Upload& upload = *line.upload;
  door_.fetch(source, upload.job.parts[upload.sent].at,
              [this, source, id = upload.id](Result<std::optional<Bytes>> octets) {
                on_part(source, id, octets);
                run(source);
              });
}

void DeadLetterWorker::on_part(GroupId source, queue::UploadId id,
                               const Result<std::optional<Bytes>>& octets) {
  Line& line = lines_[source];
  if (!line.upload || line.upload->id != id) return;
  if (!octets || !*octets) return give_up(source, line);
  Upload& upload = *line.upload;
  const Bytes& part = **octets;
  for (const AddressedLetter::Target& target : upload.letter.targets) {
    std::vector<queue::ClientCommand> commands;
    commands.emplace_back(queue::Part{{channel_, 0}, id, {part.owner(), {}, {}, {}, part.view()}});
    door_.submit(target.group, std::move(commands));
  }
  upload.octets += part.size();
  ++upload.sent;
  wait_for_room(source, line, upload.letter);
  if (upload.sent < upload.job.parts.size()) {
    if (!line.waiting) fetch_part(source, line);
    return;
  }
  const Upload whole = std::move(*std::exchange(line.upload, std::nullopt));
  publish(source, whole.job, whole.letter, &whole);
}

void DeadLetterWorker::give_up(GroupId source, Line& line) {
  const Upload lost = std::move(*std::exchange(line.upload, std::nullopt));
  for (const AddressedLetter::Target& target : lost.letter.targets) {
    std::vector<queue::ClientCommand> commands;
    commands.emplace_back(queue::DropUpload{{channel_, 0}, lost.id});
    door_.submit(target.group, std::move(commands));
  }
  answer(source, lost.job, false);
}

// Parts have no tag: should one be lost, its letter is refused.
void DeadLetterWorker::on_outcomes(std::span<const CommandOutcome> outcomes) {
  for (const CommandOutcome& told : outcomes) {
    auto at = under_way_.find(told.origin.tag);
    if (at == under_way_.end()) continue;
    UnderWay& letter = at->second;
    const queue::OutcomeCode code = told.outcome.code;
    if (code != queue::OutcomeCode::ok && code != queue::OutcomeCode::queue_gone)
      letter.answer.done = false;
    if (--letter.left > 0) continue;
    answers_[letter.source].push_back(letter.answer);
    under_way_.erase(at);
  }
  send_answers();
}

void DeadLetterWorker::answer(GroupId source, const replica::DeadLetterJob& job, bool done) {
  answers_[source].push_back({job.queue, job.number, done});
}

void DeadLetterWorker::send_answers() {
  for (auto& [source, told] : std::exchange(answers_, {}))
    answer_(source, std::move(told));
}

}  // namespace warren::cluster
