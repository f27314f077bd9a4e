#include "broker/perf/producer.h"

#include <cstring>
#include <utility>

#include "broker/amqp/properties.h"

namespace warren::perf {

namespace {
constexpr std::size_t unsent_limit = 1 << 20;  // octets; without confirms the socket sets the pace
constexpr std::size_t batch_limit = 256;       // messages of one time stamp
}  // namespace

std::string Producer::open(const Uri& uri, std::string queue) {
  queue_ = std::move(queue);
  amqp::BasicProperties properties;
  properties.delivery_mode = options_.durable ? 2 : 1;
  properties_ = amqp::encode_properties(properties);
  if (std::string problem = link_.open(uri); !problem.empty()) return problem;
  if (options_.confirm_window == 0) return {};
  const auto selected = link_.call<amqp::ConfirmSelectOk>(amqp::ConfirmSelect{});
  return selected ? std::string() : selected.error();
}

void Producer::start() {
  begun_ = now_ns();
  link_.drained = [this] { pump(); };
  link_.start([this](const amqp::Frame& frame) { on_frame(frame); },
              [this](std::string reason) {
                if (!stopped_) tally_.failure = "producer: " + reason;
                stopped_ = true;
              });
  if (rate_ > 0) tick();
  pump();
}

void Producer::close() {
  stopped_ = true;
  timer_.cancel();
  link_.close();
}

void Producer::tick() {
  timer_.expires_after(std::chrono::milliseconds(1));
  timer_.async_wait([this](boost::system::error_code error) {
    if (error || stopped_) return;
    pump();
    tick();
  });
}

bool Producer::may_publish(std::int64_t now) const {
  if (stopped_ || link_.unsent() >= unsent_limit) return false;
  if (limit_ > 0 && published_ == limit_) return false;
  if (options_.confirm_window > 0 && unconfirmed_ >= options_.confirm_window) return false;
  return rate_ == 0 ||
         static_cast<double>(published_) < static_cast<double>(now - begun_) * 1e-9 * rate_;
}

void Producer::pump() {
  while (true) {
    const std::int64_t now = now_ns();
    if (!may_publish(now)) break;
    std::string octets(options_.size, 'x');
    if (octets.size() >= sizeof now) std::memcpy(octets.data(), &now, sizeof now);
    const Bytes body(std::move(octets));
    for (std::size_t i = 0; i < batch_limit && may_publish(now); ++i)
      publish(now, body);
  }
  link_.flush();
}

void Producer::publish(std::int64_t now, const Bytes& body) {
  amqp::BasicPublish publish;
  publish.routing_key = queue_;
  link_.writer().method(Link::channel, publish);
  link_.writer().content(Link::channel, properties_, body);
  ++published_;
  ++tally_.published;
  if (options_.confirm_window == 0) return;
  ++unconfirmed_;
  sent_.push_back(now);
}

void Producer::on_frame(const amqp::Frame& frame) {
  if (frame.type != amqp::FrameType::method) return;  // a returned message's content
  const auto method = amqp::decode_method(frame.payload);
  if (!method) return;
  if (const auto* ack = std::get_if<amqp::BasicAck>(&*method)) {
    on_confirm(ack->delivery_tag, ack->multiple, true);
  } else if (const auto* nack = std::get_if<amqp::BasicNack>(&*method)) {
    on_confirm(nack->delivery_tag, nack->multiple, false);
  } else if (const auto* close = std::get_if<amqp::ChannelClose>(&*method)) {
    tally_.failure = "producer: " + close->reply_text;
    stopped_ = true;
  }
}

void Producer::confirm_one(std::int64_t& sent, std::int64_t now, bool ack) {
  if (sent == 0) return;
  tally_.confirm.add(static_cast<std::uint64_t>(now - sent));
  ++(ack ? tally_.confirmed : tally_.nacked);
  --unconfirmed_;
  sent = 0;
}

void Producer::on_confirm(std::uint64_t tag, bool multiple, bool ack) {
  if (tag < first_tag_ || tag >= first_tag_ + sent_.size()) return;
  const std::int64_t now = now_ns();
  const std::size_t last = tag - first_tag_;
  for (std::size_t i = multiple ? 0 : last; i <= last; ++i)
    confirm_one(sent_[i], now, ack);
  while (!sent_.empty() && sent_.front() == 0) {
    sent_.pop_front();
    ++first_tag_;
  }
  pump();
}

}  // namespace warren::perf
