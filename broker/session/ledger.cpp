#include "broker/session/ledger.h"

#include <utility>

#include "broker/base/check.h"
#include "broker/base/codec.h"

namespace warren::session {

namespace {

constexpr std::uint8_t format_version = 1;

}  // namespace

const Ledger::Account* Ledger::find(SessionId session) const {
  if (auto closed = ended_.find(session.node); closed != ended_.end()) {
    if (closed->second.incarnation == session.incarnation) return &closed->second.account;
    if (closed->second.incarnation > session.incarnation) return nullptr;
  }
  auto live = live_.find(session);
  return live == live_.end() ? nullptr : &live->second;
}

Admission Ledger::admit(SessionId session, BatchNumber number) const {
  if (ended(session)) return Admission::ended;
  const BatchNumber expected = last(session).next();
  if (number < expected) return Admission::duplicate;
#ifndef WARREN_MUTATION_ACCEPT_GAPPED_BATCH
  if (number > expected) return Admission::gap;
#endif
  return Admission::apply;
}

void Ledger::record(SessionId session, BatchNumber number, std::string outcome) {
  CHECK(admit(session, number) == Admission::apply, "batch {} after {}", number, last(session));
  Account& account = live_[session];
  account.last = number;
  account.outcomes.push_back(std::move(outcome));
}

void Ledger::release(SessionId session, BatchNumber through) {
  auto live = live_.find(session);
  if (live == live_.end()) return;
  Account& account = live->second;
  while (!account.outcomes.empty() && account.before_first() < through)
    account.outcomes.pop_front();
}

void Ledger::end(SessionId session) {
  if (ended(session)) return;
  Closed closed{session.incarnation, {}};
  auto from = live_.lower_bound(SessionId{session.node, Incarnation(0)});
  auto to = live_.upper_bound(session);
  if (auto own = live_.find(session); own != live_.end()) closed.account = std::move(own->second);
  live_.erase(from, to);
  ended_[session.node] = std::move(closed);
}

BatchNumber Ledger::last(SessionId session) const {
  const Account* account = find(session);
  return account ? account->last : BatchNumber();
}

bool Ledger::ended(SessionId session) const {
  auto closed = ended_.find(session.node);
  return closed != ended_.end() && session.incarnation <= closed->second.incarnation;
}

std::vector<BatchOutcome> Ledger::outcomes(SessionId session, BatchNumber after) const {
  std::vector<BatchOutcome> out;
  const Account* account = find(session);
  if (account == nullptr) return out;
  BatchNumber number = account->before_first();
  for (const std::string& octets : account->outcomes) {
    ++number;
    if (number > after) out.push_back({number, octets});
  }
  return out;
}

std::optional<std::string> Ledger::outcome(SessionId session, BatchNumber number) const {
  const Account* account = find(session);
  if (account == nullptr || number > account->last || number <= account->before_first())
    return std::nullopt;
  return account->outcomes[number.value - account->before_first().value - 1];
}

std::vector<SessionId> Ledger::sessions() const {
  std::vector<SessionId> out;
  for (const auto& [session, account] : live_)
    out.push_back(session);
  return out;
}

std::string Ledger::serialise() const {
  ByteWriter out;
  auto account_out = [&out](const Account& account) {
    out.varint(account.last.value);
    out.varint(account.outcomes.size());
    for (const std::string& octets : account.outcomes)
      out.string(octets);
  };
  out.u8(format_version);
  out.varint(live_.size());
  for (const auto& [session, account] : live_) {
    out.varint(session.node.value);
    out.varint(session.incarnation.value);
    account_out(account);
  }
  out.varint(ended_.size());
  for (const auto& [node, closed] : ended_) {
    out.varint(node.value);
    out.varint(closed.incarnation.value);
    account_out(closed.account);
  }
  return out.take();
}

Result<Ledger> Ledger::restore(std::string_view octets) {
  ByteReader in(octets);
  if (in.u8() != format_version)
    return fail(ReplyCode::internal_error, "session ledger of an unknown version");
  auto account_in = [&in] {
    Account account;
    account.last = BatchNumber(in.varint());
    const std::uint64_t count = in.varint();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i)
      account.outcomes.emplace_back(in.string());
    return account;
  };
  Ledger ledger;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const NodeId node(static_cast<std::uint32_t>(in.varint()));
    const Incarnation incarnation(in.varint());
    ledger.live_[{node, incarnation}] = account_in();
  }
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const NodeId node(static_cast<std::uint32_t>(in.varint()));
    const Incarnation incarnation(in.varint());
    ledger.ended_[node] = {incarnation, account_in()};
  }
  if (!in.ok() || !in.at_end())
    return fail(ReplyCode::internal_error, "session ledger is cut short or too long");
  for (const auto& [session, account] : ledger.live_)
    if (account.outcomes.size() > account.last.value)
      return fail(ReplyCode::internal_error, "session ledger has more outcomes than batches");
  return ledger;
}

}  // namespace warren::session
