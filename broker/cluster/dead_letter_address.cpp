#include "broker/cluster/dead_letter_address.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "broker/amqp/death.h"
#include "broker/base/check.h"
#include "broker/cluster/message_headers.h"
#include "broker/routing/hash.h"

namespace warren::cluster {

namespace {

constexpr std::uint64_t ms_per_second = 1000;

struct Octets {
  std::string exchange, routing_key, properties, body;
};

amqp::BasicProperties properties_of(const replica::DeadLetterJob& job) {
  const amqp::Death death{job.route.queue, queue::name_of(job.reason),
                          job.died.value / ms_per_second, job.content.exchange,
                          job.content.routing_key};
  auto properties = amqp::with_death(job.content.properties, death, job.content.dead_letter);
  CHECK(properties.has_value(), "stored properties: {}", properties.error().text);
  // Another key is for the letter alone: whom it was copied to is no longer asked.
  if (job.route.key) properties->headers->erase("CC");
  return std::move(*properties);
}

queue::Publish publish_of(const replica::DeadLetterJob& job,
                          const amqp::BasicProperties& properties) {
  auto octets = std::make_shared<const Octets>(Octets{
      job.route.exchange, std::string(job.route.key.value_or(std::string(job.content.routing_key))),
      amqp::encode_properties(properties), std::string(job.content.body)});
  queue::Publish publish;
  publish.content = {
      octets, octets->exchange, octets->routing_key, octets->properties, octets->body, true};
  publish.persistent = properties.delivery_mode == 2;
  publish.priority = properties.priority.value_or(0);
  return publish;
}

std::vector<QueueId> route(const replica::DeadLetterJob& job, const queue::Content& content,
                           const catalog::Snapshot& catalog) {
  const auto scan = amqp::scan_properties(content.properties);
  CHECK(scan.has_value(), "own properties: {}", scan.error().text);
  const MessageHeaders headers(*scan);
  const auto copies = extra_routing_keys(*scan);
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

void add_target(AddressedLetter& letter, const catalog::QueueInfo& queue) {
  auto target = std::ranges::find(letter.targets, queue.group, &AddressedLetter::Target::group);
  if (target == letter.targets.end()) {
    letter.targets.push_back({queue.group, {}});
    target = std::prev(letter.targets.end());
  }
  target->queues.push_back(queue.id);
}

}  // namespace

AddressedLetter address_letter(const replica::DeadLetterJob& job,
                               const catalog::Snapshot& catalog) {
  const amqp::BasicProperties properties = properties_of(job);
  AddressedLetter letter;
  letter.publish = publish_of(job, properties);
  for (QueueId id : route(job, letter.publish.content, catalog)) {
    const catalog::QueueInfo* queue = catalog.queue(id);
    if (queue == nullptr) continue;
    if (amqp::completes_cycle(*properties.headers, queue->name))
      letter.in_circle = true;
    else
      add_target(letter, *queue);
  }
  return letter;
}

}  // namespace warren::cluster
