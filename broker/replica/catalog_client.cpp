#include "broker/replica/catalog_client.h"

#include <utility>
#include <variant>

#include "broker/replica/catalog_codec.h"

namespace warren::replica {

namespace {

Result<catalog::Outcome> no_answer() {
  return fail(ReplyCode::internal_error,
              "the cluster's definitions have no leader now: a majority of the nodes must be up");
}

Result<catalog::Outcome> no_session() {
  return fail(ReplyCode::connection_forced, "this node was declared dead while it waited");
}

}  // namespace

CatalogClient::CatalogClient(SessionId session, Milliseconds time_limit,
                             session::ClientLimits limits)
    : time_limit_(time_limit), stream_(session, limits, [] { return Bytes(); }) {}

void CatalogClient::define(const catalog::Command& command, Done done, BootTime now) {
  if (ended_) {
    late_.push_back([done = std::move(done)] { done(no_session()); });
    return;
  }
  queued_.emplace_back(encode_catalog_batch(std::span(&command, 1)),
                       Waiting{now + BootTime(time_limit_), std::move(done)});
  send_queued();
}

void CatalogClient::send_queued() {
  while (!queued_.empty() && !stream_.full()) {
    BatchNumber number = stream_.submit(std::move(queued_.front().first));
    waiting_.emplace(number, std::move(queued_.front().second));
    queued_.pop_front();
  }
}

void CatalogClient::tick(BootTime now) {
  stream_.tick(now);
  auto expire = [&](Waiting& waiting) {
    if (waiting.done && waiting.deadline <= now)
      late_.push_back([done = std::exchange(waiting.done, {})] { done(no_answer()); });
  };
  for (auto& [number, waiting] : waiting_)
    expire(waiting);
  // Not sent yet, so it need never be.
  while (!queued_.empty() && queued_.front().second.deadline <= now) {
    expire(queued_.front().second);
    queued_.pop_front();
  }
}

void CatalogClient::decide(const session::Decided& decided, CatalogClientReady& ready) {
  auto node = waiting_.extract(decided.number);
  if (node.empty() || !node.mapped().done) return;
  Result<catalog::Outcome> result = no_session();
  if (decided.octets) {
    auto outcomes = decode_catalog_outcomes(*decided.octets);
    if (!outcomes)
      result = std::unexpected(outcomes.error());
    else if (outcomes->size() == 1)
      result = std::move(outcomes->front());
    else
      result = fail(ReplyCode::internal_error, "malformed catalog outcome");
  }
  ready.answers.push_back(
      [done = std::move(node.mapped().done), result = std::move(result)] { done(result); });
}

void CatalogClient::end(CatalogClientReady& ready) {
  ended_ = true;
  ready.ended = true;
  for (auto& [payload, waiting] : std::exchange(queued_, {}))
    ready.answers.push_back([done = std::move(waiting.done)] { done(no_session()); });
}

CatalogClientReady CatalogClient::take_ready() {
  CatalogClientReady ready;
  ready.answers = std::exchange(late_, {});
  session::ClientReady stream = stream_.take_ready();
  for (session::Happening& happening : stream.happenings) {
    if (auto* decided = std::get_if<session::Decided>(&happening)) decide(*decided, ready);
    if (auto* seek = std::get_if<session::SeekLeader>(&happening)) ready.seek = seek->hint;
    if (std::holds_alternative<session::SessionEnded>(happening)) end(ready);
  }
  send_queued();
  ready.messages = std::move(stream.messages);
  session::ClientReady more = stream_.take_ready();
  for (session::ToHost& message : more.messages)
    ready.messages.push_back(std::move(message));
  return ready;
}

}  // namespace warren::replica
