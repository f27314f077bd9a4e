#include "broker/session/client_stream.h"

#include <utility>

#include "broker/base/check.h"

namespace warren::session {

ClientStream::ClientStream(SessionId session, ClientLimits limits, std::function<Bytes()> claims,
                           Incarnation host)
    : session_(session),
      limits_(limits),
      claims_(std::move(claims)),
      host_(host),
      sender_(limits.window) {
  CHECK(claims_ != nullptr);
}

BatchNumber ClientStream::submit(Bytes payload) {
  CHECK(phase_ != Phase::ended);
  const BatchNumber number = sender_.submit(std::move(payload));
  // While attaching too: the attach waits only for what went before it.
  send_batches();
  return number;
}

RequestId ClientStream::request(Bytes payload, RequestOrder order) {
  CHECK(may_request(), "{} requests are unanswered", requests_.size());
  ++last_request_;
  const BatchNumber after =
      order == RequestOrder::after_batches ? sender_.last_submitted() : BatchNumber();
  auto [place, added] = requests_.emplace(last_request_, Pending{after, std::move(payload)});
  if (phase_ == Phase::flowing) send_request(place->first, place->second);
  return last_request_;
}

void ClientStream::forget(RequestId id) {
  requests_.erase(id);
}

void ClientStream::connect(BootTime now) {
  if (phase_ == Phase::ended) return;
  sender_.stop_sending();
  // What was meant for the former path must not reach the new one.
  ready_.messages.clear();
  ++epoch_;
  phase_ = Phase::opening;
  heard_ = now;
  send(Open{sender_.released(), host_});
}

void ClientStream::disconnect(NodeId hint) {
  if (phase_ == Phase::ended || phase_ == Phase::disconnected) return;
  seek(hint);
}

void ClientStream::seek(NodeId hint) {
  phase_ = Phase::disconnected;
  sender_.stop_sending();
  ready_.messages.clear();
  ready_.happenings.push_back(SeekLeader{hint});
}

void ClientStream::on_message(ToClient message, BootTime now) {
  if (message.session != session_ || message.epoch != epoch_) return;
  if (phase_ == Phase::disconnected || phase_ == Phase::ended) return;
  heard_ = now;
  std::visit([this](auto& body) { on_body(std::move(body)); }, message.body);
}

void ClientStream::on_body(Opened opened) {
  // A leader that was replaced, and does not know: what it believes to be held, or free, is over.
  if (opened.term < term_) return seek(NodeId());
  if (phase_ != Phase::opening || !sender_.on_opened(opened)) return seek(NodeId());
  term_ = opened.term;
  phase_ = Phase::attaching;
  send_batches();
  send(Attach{sender_.last_sent(), claims_()});
}

void ClientStream::on_body(Outcomes outcomes) {
  std::vector<Decided> decided;
  const bool good = sender_.on_outcomes(std::move(outcomes.outcomes), decided);
  report(std::move(decided));
  if (!good) return seek(NodeId());
  send_batches();
}

void ClientStream::on_body(Rewind rewind) {
  if (!sender_.on_rewind(rewind.expected)) return seek(NodeId());
  send_batches();
}

void ClientStream::on_body(AttachReply reply) {
  if (phase_ != Phase::attaching) return;
  phase_ = Phase::flowing;
  ready_.happenings.push_back(Attached{std::move(reply.payload)});
  for (const auto& [id, pending] : requests_)
    send_request(id, pending);
}

void ClientStream::on_body(Reply reply) {
  if (phase_ != Phase::flowing || requests_.erase(reply.id) == 0) return;
  ready_.happenings.push_back(std::move(reply));
}

void ClientStream::on_body(Event event) {
  if (phase_ == Phase::flowing) ready_.happenings.push_back(std::move(event));
}

void ClientStream::on_body(NotLeader not_leader) {
  seek(not_leader.hint);
}

void ClientStream::on_body(Ended ended) {
  std::vector<Decided> decided;
  sender_.on_ended(ended, decided);
  report(std::move(decided));
  phase_ = Phase::ended;
  requests_.clear();
  ready_.messages.clear();
  ready_.happenings.push_back(SessionEnded{});
}

void ClientStream::abandon() {
  if (phase_ != Phase::ended) on_body(Ended{sender_.released(), {}});
}

void ClientStream::tick(BootTime now) {
  if (phase_ != Phase::opening && phase_ != Phase::attaching) return;
  if (now - heard_ >= limits_.patience) seek(NodeId());
}

ClientReady ClientStream::take_ready() {
  return std::exchange(ready_, {});
}

void ClientStream::send(HostBody body) {
  ready_.messages.push_back({session_, epoch_, std::move(body)});
}

void ClientStream::send_batches() {
  while (auto batch = sender_.next_to_send())
    send(*std::move(batch));
}

void ClientStream::send_request(RequestId id, const Pending& pending) {
  send(Request{id, pending.after, pending.payload});
}

void ClientStream::report(std::vector<Decided> decided) {
  for (Decided& one : decided)
    ready_.happenings.push_back(std::move(one));
}

}  // namespace warren::session
