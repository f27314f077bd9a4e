#include "broker/cluster/dead_letter_address.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "broker/amqp/death.h"
#include "broker/catalog/queue_settings.h"
#include "broker/cluster/message_headers.h"
#include "broker/routing/hash.h"

namespace warren::cluster {

namespace {

constexpr std::uint64_t ms_per_second = 1000;

struct Octets {
  std::string exchange, routing_key, properties, body;
};

// With another key the letter is for whoever that finds: whom the message was copied to is no
// longer asked.
amqp::DeadProperties properties_of(const replica::DeadLetterJob& job) {
  const amqp::Death death{job.route.queue, queue::name_of(job.reason),
                          job.died.value / ms_per_second, job.content.exchange,
                          job.content.routing_key};
  return amqp::with_death(job.content.properties, death, job.content.dead_letter,
                          !job.route.key.has_value());
}

queue::Publish publish_of(const replica::DeadLetterJob& job, amqp::DeadProperties dead) {
  const std::string_view key =
      job.route.key ? std::string_view(*job.route.key) : job.content.routing_key;
  auto octets = std::make_shared<const Octets>(Octets{
      job.route.exchange, std::string(key), std::move(dead.raw), std::string(job.content.body)});
  queue::Publish publish;
  publish.content = {
      octets, octets->exchange, octets->routing_key, octets->properties, octets->body, true};
  publish.persistent = dead.properties.delivery_mode == 2;
  publish.priority = dead.properties.priority;
  return publish;
}

std::vector<QueueId> route(const replica::DeadLetterJob& job, const queue::Content& content,
                           const catalog::Snapshot& catalog) {
  const auto scan = amqp::scan_properties(content.properties).value_or(amqp::PropertyScan());
  const MessageHeaders headers(scan);
  const auto copies = extra_routing_keys(scan);
  routing::Message message;
  message.routing_key = content.routing_key;
  message.headers = &headers;
  if (copies) message.copies = *copies;
  message.from_broker = true;
  message.random = routing::hash_mix(job.number.value, job.queue.value);
  std::vector<QueueId> queues;
  (void)catalog.route(job.route.vhost, content.exchange, message, queues);
  return queues;
}

void add_target(AddressedLetter& letter, const catalog::QueueInfo& queue, bool apart) {
  auto target = std::ranges::find(letter.targets, queue.group, &AddressedLetter::Target::group);
  if (apart || target == letter.targets.end()) {
    const queue::Settings settings = catalog::queue_settings(queue);
    const bool buries =
        settings.overflow == queue::Overflow::reject_publish_dlx && settings.dead_letters;
    letter.targets.push_back({queue.group, {}, buries});
    target = std::prev(letter.targets.end());
  }
  target->queues.push_back(queue.id);
}

}  // namespace

AddressedLetter address_letter(const replica::DeadLetterJob& job,
                               const catalog::Snapshot& catalog) {
  amqp::DeadProperties dead = properties_of(job);
  const amqp::FieldTable headers = *dead.properties.headers;
  AddressedLetter letter;
  letter.publish = publish_of(job, std::move(dead));
  for (QueueId id : route(job, letter.publish.content, catalog)) {
    const catalog::QueueInfo* queue = catalog.queue(id);
    if (queue == nullptr) continue;
    letter.found |= !queue->hidden();
    if (std::ranges::find(job.reached, id) != job.reached.end()) continue;
    if (amqp::completes_cycle(headers, queue->name))
      letter.cycles.push_back(id);
    else
      add_target(letter, *queue, job.route.retained);
  }
  return letter;
}

}  // namespace warren::cluster
