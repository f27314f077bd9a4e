#include "broker/replica/group_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/replica/command_codec.h"
#include "broker/replica/outcome_codec.h"

namespace warren::replica {

using session::ClientStream;

GroupClient::GroupClient(SessionId session, GroupClientConfig config, GroupClientSink& sink,
                         Incarnation host)
    : session_(session),
      config_(config),
      sink_(sink),
      stream_(session, config.stream, [this] { return claims(); }, host) {}

GroupClient::~GroupClient() {
  count(-static_cast<std::int64_t>(undecided_bytes_));
}

void GroupClient::count(std::int64_t bytes) {
  undecided_bytes_ += static_cast<std::uint64_t>(bytes);
  if (config_.publish_room) config_.publish_room->bytes += static_cast<std::uint64_t>(bytes);
}

// Without a leader nothing moves, so time says nothing: the bounds of octets alone hold.
bool GroupClient::writable() const {
  if (undecided_bytes_ < config_.undecided_floor) return true;
  if (undecided_bytes_ >= config_.undecided_bytes) return false;
  const PublishRoom* room = config_.publish_room.get();
  if (room != nullptr && room->bytes >= room->limit) return false;
  return stream_.phase() != ClientStream::Phase::flowing || sent_.empty() ||
         now_ - sent_.front().made < config_.patience;
}

void GroupClient::set_catalog_index(CatalogIndex index) {
  catalog_index_ = std::max(catalog_index_, index);
}

GroupClient::Waiting GroupClient::waiting_for(const queue::ClientCommand& command,
                                              BootTime now) const {
  Waiting waiting;
  waiting.origin = std::visit([](const auto& c) { return c.origin; }, command);
  waiting.bytes = 64;
  if (const auto* p = std::get_if<queue::Publish>(&command)) {
    waiting.bytes += static_cast<std::uint32_t>(p->content.size());
    // Nobody waits for a dead letter's confirm, and it is sent again unless its fate is known.
    if (!p->content.dead_letter) waiting.deadline = now + config_.publish_timeout;
  } else if (const auto* part = std::get_if<queue::Part>(&command)) {
    waiting.bytes += static_cast<std::uint32_t>(part->octets.size());
  } else if (const auto* s = std::get_if<queue::Settle>(&command)) {
    waiting.bytes += static_cast<std::uint32_t>(16 * s->messages.size());
  }
  return waiting;
}

void GroupClient::submit(std::vector<queue::ClientCommand> commands, BootTime now) {
  for (queue::ClientCommand& command : commands) {
    const Waiting waiting = waiting_for(command, now);
    take(std::move(command), waiting);
  }
  note_full();
}

void GroupClient::submit_whole(std::vector<queue::ClientCommand> commands, BootTime now) {
  for (std::size_t i = 0; i < commands.size(); ++i) {
    Waiting waiting = waiting_for(commands[i], now);
    waiting.with_next = i + 1 < commands.size();
    take(std::move(commands[i]), waiting);
  }
  note_full();
}

// The owner asks writable() now, and outcomes may come before the next turn: whoever was told
// that it is full must be told that it is not.
void GroupClient::note_full() {
  if (!writable()) was_full_ = true;
}

void GroupClient::take(queue::ClientCommand command, Waiting waiting) {
  ++submitted_;
  count(waiting.bytes);
  if (ended_) return decide(waiting, {queue::OutcomeCode::session_ended, 0});
  if (const auto* part = std::get_if<queue::Part>(&command))
    uploads_.insert(part->upload);
  else if (const auto* drop = std::get_if<queue::DropUpload>(&command))
    uploads_.erase(drop->upload);
  else if (const auto* p = std::get_if<queue::Publish>(&command); p != nullptr && p->upload)
    uploads_.erase(p->upload);
  unsent_waiting_.push_back(waiting);
  unsent_.push_back(std::move(command));
}

void GroupClient::settle_silently(QueueId queue, queue::SettleKind kind,
                                  std::vector<queue::Held> held) {
  submit_silently(queue::Settle{{}, queue, kind, std::move(held)});
}

// The client's own: nobody waits for the outcome.
void GroupClient::submit_silently(queue::ClientCommand command) {
  if (ended_) return;
  Waiting waiting = waiting_for(command, now_);
  waiting.told = true;
  ++submitted_;
  count(waiting.bytes);
  unsent_waiting_.push_back(waiting);
  unsent_.push_back(std::move(command));
}

// Only once attached: until then what waits grows into one large batch, and what it settles is
// still claimed. A settle that followed its own claim would name a checkout that the leader has
// just replaced, and be refused.
void GroupClient::make_batches() {
  if (stream_.phase() != ClientStream::Phase::flowing) return;
  while (!unsent_.empty() && !stream_.full())
    make_batch();
}

void GroupClient::make_batch() {
  std::size_t count = 0, bytes = 0;
  bool together = false;
  for (; count < unsent_.size() && (bytes < config_.batch_bytes || together); ++count) {
    bytes += unsent_waiting_[count].bytes;
    together = unsent_waiting_[count].with_next;
    if (auto* settle = std::get_if<queue::Settle>(&unsent_[count])) translate(*settle);
  }
  SentBatch sent;
  sent.made = now_;
  sent.number = stream_.submit(encode_batch(catalog_index_, std::span(unsent_.data(), count)));
  auto end = static_cast<std::ptrdiff_t>(count);
  sent.commands.assign(unsent_waiting_.begin(), unsent_waiting_.begin() + end);
  sent.undue = std::min(unsent_undue_, count);
  unsent_undue_ -= sent.undue;
  unsent_.erase(unsent_.begin(), unsent_.begin() + end);
  unsent_waiting_.erase(unsent_waiting_.begin(), unsent_waiting_.begin() + end);
  sent_.push_back(std::move(sent));
}

// From what the channel knows to what the leader knows; refused holdings fall out.
void GroupClient::translate(queue::Settle& settle) {
  std::vector<queue::Held> held;
  held.reserve(settle.messages.size());
  for (const queue::Held& one : settle.messages)
    if (auto now = holdings_.take(settle.queue, one)) held.push_back(*now);
  settle.messages = std::move(held);
}

void GroupClient::connect(BootTime now) {
  drain();
  now_ = now;
  stream_.connect(now);
}

void GroupClient::disconnect(NodeId hint) {
  stream_.disconnect(hint);
  drain();
}

// Drained at once: what was delivered must be among the claims of the next attach.
void GroupClient::on_message(session::ToClient message, BootTime now) {
  now_ = now;
  stream_.on_message(std::move(message), now);
  drain();
}

void GroupClient::drain() {
  session::ClientReady ready = stream_.take_ready();
  for (session::ToHost& message : ready.messages)
    to_tell_.push_back([this, m = std::move(message)]() mutable { sink_.send(std::move(m)); });
  for (session::Happening& happening : ready.happenings)
    std::visit([this](auto& h) { handle(std::move(h)); }, happening);
}

void GroupClient::decide(const Waiting& command, queue::Outcome outcome) {
  ++decided_;
  count(-static_cast<std::int64_t>(command.bytes));
  if (!command.told) outcomes_.push_back({command.origin, outcome});
}

void GroupClient::handle(session::Decided decided) {
  CHECK(!sent_.empty() && sent_.front().number == decided.number);
  SentBatch batch = std::move(sent_.front());
  sent_.pop_front();
  // No octets: the session ended first. Unreadable ones: the batch was, for the machine.
  std::vector<queue::Outcome> outcomes(batch.commands.size(),
                                       {queue::OutcomeCode::session_ended, 0});
  if (decided.octets)
    if (auto known = decode_outcomes(*decided.octets, batch.commands.size()))
      outcomes = std::move(*known);
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    decide(batch.commands[i], outcomes[i]);
}

void GroupClient::handle(session::Attached attached) {
  auto reply = decode_claim_reply(attached.payload);
  if (!reply) return stream_.disconnect(NodeId());
  holdings_.renew(reply->renewed);
  for (Holdings::Refused& refused : holdings_.refuse(reply->refused))
    to_tell_.push_back([this, r = std::move(refused)]() mutable {
      sink_.on_holdings_refused(r.channel, r.queue, std::move(r.held));
    });
  for (ConsumerNumber number : reply->cancelled)
    consumer_gone(number);
}

void GroupClient::handle(session::SeekLeader seek) {
  to_tell_.push_back([this, hint = seek.hint] { sink_.seek_leader(hint); });
}

void GroupClient::handle(session::SessionEnded) {
  ended_ = true;
  for (const Waiting& waiting : unsent_waiting_)
    decide(waiting, {queue::OutcomeCode::session_ended, 0});
  unsent_.clear();
  unsent_waiting_.clear();
  holdings_ = Holdings();
  uploads_.clear();
  for (const auto& [number, consuming] : consumers_)
    if (!consuming.cancelled)
      to_tell_.push_back([this, channel = consuming.consumer.channel, number] {
        sink_.on_consumer_cancelled(channel, number);
      });
  consumers_.clear();
  leaving_.clear();
  fail_requests();
  to_tell_.push_back([this] { sink_.on_session_ended(); });
}

void GroupClient::expire_commands(std::vector<Waiting>& commands, std::size_t& undue,
                                  BootTime now) {
  for (; undue < commands.size(); ++undue) {
    Waiting& waiting = commands[undue];
    if (waiting.deadline == BootTime{} || waiting.told) continue;
    if (waiting.deadline > now) return;
    waiting.told = true;
    outcomes_.push_back({waiting.origin, {queue::OutcomeCode::timed_out, 0}});
  }
}

// The batch stays: it may still be committed, and nothing may overtake it.
void GroupClient::expire(BootTime now) {
  for (SentBatch& batch : sent_) {
    expire_commands(batch.commands, batch.undue, now);
    if (batch.undue < batch.commands.size()) return;
  }
  expire_commands(unsent_waiting_, unsent_undue_, now);
}

void GroupClient::finish_closings(BootTime now) {
  for (auto at = closings_.begin(); at != closings_.end();) {
    Closing& closing = at->second;
    const bool decided = closing.cancels == 0 && decided_ >= closing.after;
    const bool over = ended_ || decided || closing.deadline <= now;
    if (over) to_tell_.push_back(std::move(closing.done));
    at = over ? closings_.erase(at) : std::next(at);
  }
}

void GroupClient::tell() {
  if (!outcomes_.empty())
    to_tell_.push_back([this, outcomes = std::exchange(outcomes_, {})]() mutable {
      sink_.on_outcomes(std::move(outcomes));
    });
  bool full = !writable();
  if (was_full_ && !full) to_tell_.push_back([this] { sink_.on_writable(); });
  was_full_ = full;
  // What the told ones ask for in return is told by the next turn.
  for (auto& tell_one : std::exchange(to_tell_, {}))
    tell_one();
}

void GroupClient::turn(BootTime now) {
  now_ = now;
  stream_.tick(now);
  drain();
  make_batches();
  drain();
  expire(now);
  expire_requests(now);
  finish_closings(now);
  tell();
}

bool GroupClient::has_work() const {
  if (stream_.has_ready() || !to_tell_.empty() || !outcomes_.empty()) return true;
  bool connected = stream_.phase() == ClientStream::Phase::flowing;
  return connected && !unsent_.empty() && !stream_.full();
}

bool GroupClient::idle() const {
  return holdings_.empty() && uploads_.empty() && consumers_.empty() && leaving_.empty() &&
         asked_.empty() && submitted_ == decided_ && closings_.empty() && !has_work();
}

}  // namespace warren::replica
