#include "broker/perf/consumer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace warren::perf {

namespace {
constexpr std::size_t body_size_at = 4;  // in a content header: class, weight, body size

std::uint64_t body_size_of(std::string_view header) {
  std::uint64_t size = 0;
  for (const unsigned char octet : header.substr(body_size_at, 8))
    size = size << 8 | octet;
  return size;
}

}  // namespace

std::string Consumer::open(const Uri& uri, const std::string& queue) {
  if (std::string problem = link_.open(uri); !problem.empty()) return problem;
  if (options_.prefetch > 0) {
    amqp::BasicQos qos;
    qos.prefetch_count = options_.prefetch;
    if (const auto set = link_.call<amqp::BasicQosOk>(qos); !set) return set.error();
  }
  amqp::BasicConsume consume;
  consume.queue = queue;
  consume.no_ack = options_.auto_ack;
  const auto consuming = link_.call<amqp::BasicConsumeOk>(consume);
  return consuming ? std::string() : consuming.error();
}

void Consumer::start() {
  link_.start([this](const amqp::Frame& frame) { on_frame(frame); },
              [this](std::string reason) {
                if (!stopped_) tally_.failure = "consumer: " + reason;
              });
}

void Consumer::close() {
  stopped_ = true;
  link_.close();
}

void Consumer::on_frame(const amqp::Frame& frame) {
  switch (frame.type) {
    case amqp::FrameType::method:
      return on_method(frame.payload);
    case amqp::FrameType::header:
      if (frame.payload.size() < body_size_at + 8) return;
      body_left_ = body_size_of(frame.payload);
      first_body_frame_ = true;
      if (body_left_ == 0) on_whole_message();
      return;
    case amqp::FrameType::body:
      return on_body(frame.payload);
    case amqp::FrameType::heartbeat:
      return;
  }
}

void Consumer::on_method(std::string_view payload) {
  const auto method = amqp::decode_method(payload);
  if (!method) return;
  if (const auto* deliver = std::get_if<amqp::BasicDeliver>(&*method)) {
    tag_ = deliver->delivery_tag;
    if (deliver->redelivered) ++tally_.redelivered;
  } else if (const auto* close = std::get_if<amqp::ChannelClose>(&*method)) {
    tally_.failure = "consumer: " + close->reply_text;
  } else if (std::holds_alternative<amqp::BasicCancel>(*method)) {
    tally_.failure = "consumer: cancelled by the broker";
  }
}

void Consumer::on_body(std::string_view payload) {
  std::int64_t sent = 0;
  if (std::exchange(first_body_frame_, false) && payload.size() >= sizeof sent) {
    std::memcpy(&sent, payload.data(), sizeof sent);
    const std::int64_t now = now_ns();
    // A message of an earlier boot would give nonsense.
    if (sent > 0 && sent <= now) tally_.delivery.add(static_cast<std::uint64_t>(now - sent));
  }
  body_left_ -= std::min<std::uint64_t>(body_left_, payload.size());
  if (body_left_ == 0) on_whole_message();
}

void Consumer::on_whole_message() {
  ++tally_.consumed;
  if (options_.auto_ack || ++unacknowledged_ < options_.ack_every) return;
  settle();
}

void Consumer::settle() {
  if (options_.auto_ack || std::exchange(unacknowledged_, 0) == 0) return;
  link_.writer().method(Link::channel, amqp::BasicAck{tag_, true});
  link_.flush();
}

}  // namespace warren::perf
