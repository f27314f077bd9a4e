#include "broker/frontend/history_replay.h"

#include <algorithm>
#include <utility>

#include "broker/cluster/message_headers.h"
#include "broker/frontend/content.h"
#include "broker/routing/hash.h"

namespace warren::frontend {

namespace {

// Origin::tag.
constexpr std::uint64_t part_tag = 0;
constexpr std::uint64_t barrier_tag = 1;
constexpr std::uint64_t publish_tag = 2;

Error no_leader() {
  return {ReplyCode::internal_error, "the exchange's history could not be given in time"};
}

// A queue that is full, or gone, has been offered it.
bool is_decided(queue::OutcomeCode code) {
  return code == queue::OutcomeCode::ok || code == queue::OutcomeCode::rejected ||
         code == queue::OutcomeCode::queue_gone;
}

void submit(cluster::Door& door, GroupId group, queue::ClientCommand command) {
  std::vector<queue::ClientCommand> commands;
  commands.push_back(std::move(command));
  door.submit(group, std::move(commands));
}

amqp::PropertyScan scan_of(const queue::Content& content) {
  return amqp::scan_properties(content.properties).value_or(amqp::PropertyScan());
}

}  // namespace

HistoryReplay::HistoryReplay(cluster::Door& door, Source source, Destination destination,
                             std::function<void()> progress, Done done)
    : door_(door),
      source_(source),
      destination_(std::move(destination)),
      progress_(std::move(progress)),
      done_(std::move(done)),
      channel_(door.open_channel(this)) {}

HistoryReplay::~HistoryReplay() {
  door_.close_channel(channel_, [] {});
}

// A command that does nothing, through the log: whoever answers the reading behind it has applied
// it, and so whatever was confirmed to anybody before the bind. A leader that is cut off has not.
void HistoryReplay::start() {
  submit(door_, source_.group, queue::DropUpload{{channel_, barrier_tag}, upload()});
}

void HistoryReplay::on_outcomes(std::span<const cluster::CommandOutcome> outcomes) {
  const std::shared_ptr<HistoryReplay> self = shared_from_this();
  for (const cluster::CommandOutcome& told : outcomes) {
    const bool decided = is_decided(told.outcome.code);
    failed_ |= !decided;
    if (told.origin.tag == publish_tag) --undecided_;
    if (told.origin.tag == barrier_tag && decided) read_page();
  }
  end_if_decided();
}

void HistoryReplay::read_page() {
  door_.browse(source_.group, source_.queue, next_,
               [weak = weak_from_this()](Result<queue::BrowsedPage> page) {
                 if (const auto self = weak.lock()) self->on_page(std::move(page));
               });
}

// Gone: its exchange was deleted meanwhile, and its binding with it.
void HistoryReplay::on_page(Result<queue::BrowsedPage> page) {
  if (!done_) return;
  if (!page && page.error().code != ReplyCode::not_found) return end(std::unexpected(page.error()));
  progress_();
  if (!page) {
    end_ = next_;
    return give();
  }
  if (!end_) end_ = page->end;
  next_ = page->next;
  for (queue::Delivery& delivery : page->messages)
    if (*delivery.offset < *end_) page_.push_back(std::move(delivery));
  give();
}

std::function<void()> HistoryReplay::go_on() {
  return [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->give();
  };
}

// As far as the destinations take it: what is not published yet is no more than a page.
void HistoryReplay::give() {
  if (!done_) return;
  while (!page_.empty()) {
    if (!door_.may_route()) return door_.when_routable(go_on());
    if (!std::exchange(addressed_, true)) address();
    for (const Target& target : targets_)
      if (!door_.writable(target.group)) return door_.when_writable(target.group, go_on());
    if (!targets_.empty() && parts_ < page_.front().parts.size()) return fetch_part();
    publish();
  }
  if (next_ < *end_) return read_page();
  all_given_ = true;
  end_if_decided();
}

// As the message was published: an exchange that is the destination routes it by its own key.
void HistoryReplay::address() {
  const queue::Delivery& delivery = page_.front();
  const std::shared_ptr<const catalog::Snapshot> catalog = door_.catalog();
  std::vector<QueueId> queues;
  if (destination_.kind == catalog::DestinationKind::queue) {
    const catalog::QueueInfo* queue = catalog->queue(destination_.vhost, destination_.name);
    if (queue != nullptr) queues.push_back(queue->id);
  } else {
    const amqp::PropertyScan scan = scan_of(delivery.content);
    const cluster::MessageHeaders headers(scan);
    const auto copies = cluster::extra_routing_keys(scan);
    routing::Message message;
    message.routing_key = delivery.content.routing_key;
    message.headers = &headers;
    if (copies) message.copies = *copies;
    message.from_broker = true;
    message.random = routing::hash_mix(delivery.offset->value, source_.queue.value);
    (void)catalog->route(destination_.vhost, destination_.name, message, queues);
  }
  targets_.clear();
  for (QueueId id : queues) {
    const catalog::QueueInfo* queue = catalog->queue(id);
    if (queue == nullptr) continue;
    auto target = std::ranges::find(targets_, queue->group, &Target::group);
    if (target == targets_.end()) target = targets_.insert(target, Target{queue->group, {}});
    target->queues.push_back(id);
  }
  ++upload_;
}

// --- Large bodies, one part at a time.

void HistoryReplay::fetch_part() {
  door_.fetch(source_.group, page_.front().parts[parts_].at,
              [weak = weak_from_this()](const Result<std::optional<Bytes>>& octets) {
                if (const auto self = weak.lock()) self->on_part(octets);
              });
}

// Gone: so many others have come since that it is no longer of the history.
void HistoryReplay::on_part(const Result<std::optional<Bytes>>& octets) {
  if (!done_) return;
  if (!octets) return end(std::unexpected(octets.error()));
  if (!*octets) {
    for (const Target& target : targets_)
      submit(door_, target.group, queue::DropUpload{{channel_, part_tag}, upload()});
    next_message();
    return give();
  }
  const Bytes& part = **octets;
  ++parts_;
  octets_ += part.size();
  for (const Target& target : targets_)
    submit(door_, target.group,
           queue::Part{{channel_, part_tag}, upload(), {part.owner(), {}, {}, {}, part.view()}});
  give();
}

void HistoryReplay::publish() {
  const queue::Content& content = page_.front().content;
  const amqp::PropertyScan scan = scan_of(content);
  queue::Publish command;
  command.origin = {channel_, publish_tag};
  command.content = content;
  command.duplicate = duplicate_key_of(scan);
  command.persistent = scan.persistent();
  command.priority = scan.priority.value_or(0);
  command.ttl_ms = ttl_of(scan).value_or(std::nullopt);
  if (octets_ > 0) {
    command.upload = upload();
    command.upload_octets = octets_;
  }
  for (const Target& target : targets_) {
    command.queues = target.queues;
    ++undecided_;
    submit(door_, target.group, command);
  }
  ++given_;
  next_message();
}

void HistoryReplay::next_message() {
  page_.pop_front();
  addressed_ = false;
  parts_ = 0;
  octets_ = 0;
}

void HistoryReplay::end_if_decided() {
  if (failed_)
    end(std::unexpected(no_leader()));
  else if (all_given_ && undecided_ == 0)
    end(given_);
}

void HistoryReplay::end(Result<std::uint64_t> result) {
  if (done_) std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace warren::frontend
