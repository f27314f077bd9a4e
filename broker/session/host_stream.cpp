#include "broker/session/host_stream.h"

#include <type_traits>
#include <utility>

#include "broker/base/check.h"

namespace warren::session {

HostStream::HostStream(SessionId session, Term term, const Ledger& ledger, std::uint64_t window,
                       std::size_t limit_requests)
    : session_(session),
      term_(term),
      window_(window),
      limit_requests_(limit_requests),
      applied_(ledger.last(session)),
      accepted_(applied_) {}

void HostStream::on_message(ToHost message, const Ledger& ledger) {
  CHECK(message.session == session_);
  if (const Open* open = std::get_if<Open>(&message.body))
    return on_open(message.epoch, *open, ledger);
  if (message.epoch != epoch_ || phase_ == Phase::closed) return;
  std::visit(
      [&](auto& body) {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, Batch>)
          on_body(std::move(body), ledger);
        else if constexpr (!std::is_same_v<Body, Open>)
          on_body(std::move(body));
      },
      message.body);
}

void HostStream::on_open(StreamEpoch epoch, const Open& open, const Ledger& ledger) {
  if (epoch <= epoch_) return;  // overtaken by a newer stream
  epoch_ = epoch;
  phase_ = Phase::attaching;
  rewound_ = false;
  attach_.reset();
  requests_.clear();
  ready_.attach.reset();
  ready_.requests.clear();
  ready_.messages.clear();
  ready_.opened = true;
  if (ledger.ended(session_)) return on_ended(ledger);
  send(Opened{applied_, accepted_.next(), term_});
  auto outcomes = ledger.outcomes(session_, open.released);
  if (!outcomes.empty()) send(Outcomes{std::move(outcomes)});
}

void HostStream::on_body(Batch batch, const Ledger& ledger) {
  if (batch.number <= applied_) {
    // Its outcome was told, or stands between in this very stream, unless it came twice.
    if (auto outcome = ledger.outcome(session_, batch.number))
      send(Outcomes{{{batch.number, *std::move(outcome)}}});
    return;
  }
  if (batch.number <= accepted_) return;  // proposed; its outcome will come
#ifndef WARREN_MUTATION_ACCEPT_GAPPED_BATCH
  if (batch.number != accepted_.next()) return rewind();
#endif
  const bool within = batch.number.value <= batch.released.value + window_;
  if (!within || batch.released > applied_) return rewind();
  accepted_ = batch.number;
  rewound_ = false;
  ready_.batches.push_back(std::move(batch));
}

void HostStream::rewind() {
  if (rewound_) return;
  rewound_ = true;
  send(Rewind{accepted_.next()});
}

void HostStream::on_body(Attach attach) {
  if (phase_ != Phase::attaching) return;
  attach_ = std::move(attach);
  release_waiting();
}

void HostStream::on_body(Request request) {
  // Before the attach none is sent; beyond the limit the asker's deadline answers.
  if (phase_ != Phase::flowing || requests_.size() >= limit_requests_) return;
  requests_.push_back(std::move(request));
  release_waiting();
}

void HostStream::release_waiting() {
#ifdef WARREN_MUTATION_ATTACH_EARLY
  const bool caught_up = true;
#else
  const bool caught_up = attach_ && attach_->after <= applied_;
#endif
  if (attach_ && caught_up) {
    ready_.attach = std::move(attach_->claims);
    attach_.reset();
  }
  // One that waits for nothing may pass one that waits: they are of different channels or mean it.
  for (auto request = requests_.begin(); request != requests_.end();) {
    if (request->after > applied_) {
      ++request;
      continue;
    }
    ready_.requests.push_back(std::move(*request));
    request = requests_.erase(request);
  }
}

void HostStream::on_applied(BatchNumber number, const std::string& outcome) {
  if (number <= applied_) return;
#ifndef WARREN_MUTATION_ACCEPT_GAPPED_BATCH
  CHECK(number == applied_.next(), "batch {} applied after {}", number, applied_);
#endif
  applied_ = number;
  if (accepted_ < applied_) accepted_ = applied_;
  if (phase_ == Phase::closed) return;
  send(Outcomes{{{number, outcome}}});
  release_waiting();
}

void HostStream::on_ended(const Ledger& ledger) {
  if (phase_ == Phase::closed) return;
  send(Ended{ledger.last(session_), ledger.outcomes(session_, BatchNumber())});
  on_stream_lost();
}

void HostStream::on_not_leader(NodeId hint) {
  if (phase_ == Phase::closed) return;
  send(NotLeader{hint});
  on_stream_lost();
}

void HostStream::on_stream_lost() {
  phase_ = Phase::closed;
  attach_.reset();
  requests_.clear();
  ready_.attach.reset();
  ready_.requests.clear();
}

void HostStream::attached(StreamEpoch epoch, Bytes reply) {
  if (epoch != epoch_ || phase_ != Phase::attaching) return;
  phase_ = Phase::flowing;
  send(AttachReply{std::move(reply)});
}

void HostStream::reply(StreamEpoch epoch, RequestId id, Bytes payload) {
  if (epoch == epoch_ && phase_ == Phase::flowing) send(Reply{id, std::move(payload)});
}

bool HostStream::send_event(Bytes payload) {
  if (phase_ != Phase::flowing) return false;
  send(Event{std::move(payload)});
  return true;
}

void HostStream::send(ClientBody body) {
  // Outcomes of one turn of the driver travel as one message.
  if (auto* more = std::get_if<Outcomes>(&body); more && !ready_.messages.empty()) {
    if (auto* last = std::get_if<Outcomes>(&ready_.messages.back().body)) {
      for (BatchOutcome& outcome : more->outcomes)
        last->outcomes.push_back(std::move(outcome));
      return;
    }
  }
  ready_.messages.push_back({session_, epoch_, std::move(body)});
}

bool HostStream::has_ready() const {
  return ready_.opened || !ready_.batches.empty() || ready_.attach || !ready_.requests.empty() ||
         !ready_.messages.empty();
}

HostReady HostStream::take_ready() {
  ready_.epoch = epoch_;
  return std::exchange(ready_, {});
}

}  // namespace warren::session
