#include "broker/replica/catalog_client.h"

#include "broker/base/check.h"
#include "broker/replica/catalog_codec.h"

namespace warren::replica {
namespace {

using session::ClientStream;

Result<catalog::Outcome> undecided() {
  return fail(ReplyCode::internal_error, "the definitions' group did not answer in time");
}

}  // namespace

CatalogClient::CatalogClient(SessionId session, Milliseconds timeout, CatalogClientSink& sink,
                             session::ClientLimits limits)
    : sink_(sink), timeout_(timeout), stream_(session, limits, [] { return Bytes(); }) {}

void CatalogClient::define(catalog::Command command,
                           std::function<void(Result<catalog::Outcome>)> done, BootTime now) {
  if (ended_) return decide(std::move(done), undecided());
  asked_.push_back({encode_catalog_batch(std::span(&command, 1)), now + timeout_, std::move(done)});
}

void CatalogClient::connect(BootTime now) {
  drain();
  stream_.connect(now);
}

void CatalogClient::disconnect(NodeId hint) {
  stream_.disconnect(hint);
  drain();
}

void CatalogClient::on_message(session::ToClient message, BootTime now) {
  stream_.on_message(std::move(message), now);
  drain();
}

void CatalogClient::decide(std::function<void(Result<catalog::Outcome>)> done,
                           Result<catalog::Outcome> result) {
  if (done)
    to_tell_.push_back([done = std::move(done), result = std::move(result)] { done(result); });
}

void CatalogClient::drain() {
  session::ClientReady ready = stream_.take_ready();
  for (session::ToHost& message : ready.messages)
    to_tell_.push_back([this, m = std::move(message)]() mutable { sink_.send(std::move(m)); });
  for (session::Happening& happening : ready.happenings) {
    if (auto* decided = std::get_if<session::Decided>(&happening)) {
      CHECK(sent_ > 0);
      Asked asked = std::move(asked_.front());
      asked_.pop_front();
      --sent_;
      Result<catalog::Outcome> result = undecided();
      if (decided->octets)
        if (auto outcomes = decode_catalog_outcomes(*decided->octets);
            outcomes && !outcomes->empty())
          result = std::move(outcomes->front());
      decide(std::move(asked.done), std::move(result));
    } else if (auto* seek = std::get_if<session::SeekLeader>(&happening)) {
      to_tell_.push_back([this, hint = seek->hint] { sink_.seek_leader(hint); });
    } else if (std::holds_alternative<session::SessionEnded>(happening)) {
      ended_ = true;
      for (Asked& asked : std::exchange(asked_, {}))
        decide(std::move(asked.done), undecided());
      to_tell_.push_back([this] { sink_.on_session_ended(); });
    }
  }
}

void CatalogClient::turn(BootTime now) {
  stream_.tick(now);
  drain();
  auto phase = stream_.phase();
  bool connected = phase == ClientStream::Phase::attaching || phase == ClientStream::Phase::flowing;
  while (connected && sent_ < asked_.size() && !stream_.full())
    stream_.submit(asked_[sent_++].payload);
  drain();
  for (Asked& asked : asked_) {
    if (asked.deadline > now) break;
    decide(std::exchange(asked.done, nullptr), undecided());
  }
  // One that was never sent need not be.
  while (asked_.size() > sent_ && asked_[sent_].deadline <= now)
    asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(sent_));
  for (auto& tell : std::exchange(to_tell_, {}))
    tell();
}

}  // namespace warren::replica
