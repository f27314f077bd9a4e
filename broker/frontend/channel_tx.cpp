// Class tx. docs/decisions/0006-transactions.md.
#include <fmt/format.h>

#include <utility>

#include "broker/frontend/channel_inline.h"

namespace warren::frontend {

namespace {

using Commands = std::vector<std::pair<GroupId, std::vector<queue::ClientCommand>>>;

constexpr std::size_t publish_overhead = 512;  // of what is kept for a publish, whatever its size

// A handful of groups: a scan beats a map.
std::vector<queue::ClientCommand>& commands_of(Commands& commands, GroupId group) {
  for (auto& [id, list] : commands)
    if (id == group) return list;
  return commands.emplace_back(group, std::vector<queue::ClientCommand>()).second;
}

Error not_transactional() {
  return {ReplyCode::precondition_failed, "channel is not transactional"};
}

}  // namespace

// What was published before, and waits for a lease, is no part of the transaction.
template <>
Channel::Done Channel::on(const amqp::TxSelect& method) {
  if (confirms_.selected())
    return warren::fail(ReplyCode::precondition_failed, "cannot switch from confirm to tx mode");
  return after_held(method.info, [this]() -> Done {
    if (!tx_) tx_.emplace();
    write(amqp::TxSelectOk{});
    return {};
  });
}

template <>
Channel::Done Channel::on(const amqp::TxCommit& method) {
  if (!tx_) return std::unexpected(not_transactional());
  return after_held(method.info, [this, info = method.info]() -> Done {
    tx_->wait = begin_wait(info);
    tx_->phase = Transaction::Phase::publishing;
    commit_publishes();
    return {};
  });
}

template <>
Channel::Done Channel::on(const amqp::TxRollback&) {
  if (!tx_) return std::unexpected(not_transactional());
  drop_held();
  std::vector<Handed> back;
  back.reserve(tx_->settled.size());
  for (const Transaction::Settled& settled : tx_->settled)
    back.push_back(settled.handed);
  unacked_.restore(std::move(back));
  for (const Transaction::Published& one : tx_->published)
    if (one.command.upload)
      for (const Target& target : one.to.groups)
        connection_.batch().add(
            target.group,
            queue::DropUpload{{key_, origin_tag(CommandKind::settled)}, one.command.upload});
  *tx_ = Transaction();
  connection_.touch();
  write(amqp::TxRollbackOk{});
  return {};
}

// `upload`: as for enqueue().
Channel::Done Channel::keep(const amqp::PublishedMessage& message, const queue::Content* kept,
                            const Destinations& to, const Upload* upload) {
  if (to.empty() && (to.found || !message.mandatory)) return {};
  Transaction::Published one;
  one.command = make_command(message, kept, upload);
  one.whole = upload != nullptr && !upload->pieces.empty()
                  ? whole_content(message, one.command.content, upload->pieces)
                  : one.command.content;
  one.to = to;
  one.mandatory = message.mandatory;
  tx_->octets += publish_overhead + one.whole.size();
  const std::size_t most = connection_.hub().settings.tx_octets;
  tx_->published.push_back(std::move(one));
  if (tx_->octets > most)
    return warren::fail(ReplyCode::precondition_failed,
                        fmt::format("transaction is larger than {} bytes", most));
  return {};
}

// One batch, and so one log entry, a group. They may complete in any order.
void Channel::commit_publishes() {
  Commands commands;
  ++tx_->undecided;  // until all are on their way
  const queue::Origin origin{key_, origin_tag(CommandKind::transaction)};
  for (Transaction::Published& one : std::exchange(tx_->published, {})) {
    if (one.mandatory && !one.to.found) return_content(one.whole);
    if (one.to.empty()) continue;
    if (!one.to.replies.empty()) send_replies(one.to, one.whole, one.mandatory, {});
    tx_->undecided += one.to.replies.size() + one.to.groups.size();
    one.command.origin = origin;
    for (const Target& target : one.to.groups) {
      one.command.queues = target.queues;
      commands_of(commands, target.group).emplace_back(one.command);
    }
  }
  for (auto& [group, list] : commands)
    connection_.submit_whole(group, std::move(list));
  tx_decided(true);
}

// Only now: were a publish lost that stood for a settled message, both would be.
void Channel::commit_settles() {
  Commands commands;
  tx_->phase = Transaction::Phase::settling;
  wait_deadline_ = connection_.hub().reactor.now() + connection_.hub().settings.synchronous_timeout;
  ++tx_->undecided;
  const queue::Origin origin{key_, origin_tag(CommandKind::transaction)};
  for (const auto& [handed, kind] : std::exchange(tx_->settled, {})) {
    if (handed.offset) {
      settle_handed(handed, kind);
      continue;
    }
    if (handed.counts()) --consumed_unacked_;
    if (handed.refused) continue;
    std::vector<queue::ClientCommand>& list = commands_of(commands, handed.group);
    auto* last = list.empty() ? nullptr : std::get_if<queue::Settle>(&list.back());
    if (last != nullptr && last->queue == handed.queue && last->kind == kind)
      last->messages.push_back(handed.held);
    else
      list.emplace_back(queue::Settle{origin, handed.queue, kind, {handed.held}});
  }
  for (auto& [group, list] : commands) {
    tx_->undecided += list.size();
    connection_.submit_whole(group, std::move(list));
  }
  deliver_withheld();
  tx_decided(true);
}

// One outcome of the phase that is on.
void Channel::tx_decided(bool accepted) {
  if (!tx_ || tx_->undecided == 0) return;
  tx_->refused |= !accepted;
  if (--tx_->undecided > 0) return;
  if (tx_->phase == Transaction::Phase::publishing && !tx_->refused) return commit_settles();
  const Transaction ended = std::exchange(*tx_, Transaction());
  if (!end_wait(ended.wait)) return;
  if (!ended.refused) write(amqp::TxCommitOk{});
  after_wait(ended.refused
                 ? Done(warren::fail(ReplyCode::precondition_failed, "partial tx completion"))
                 : Done());
}

// RabbitMQ's, too: what a client sends while its commit is under way is not in order.
bool Channel::breaks_into_commit(const amqp::Frame& frame) const {
  if (!tx_ || tx_->phase == Transaction::Phase::open || frame.type != amqp::FrameType::method)
    return false;
  return amqp::peek_method(frame.payload).key() != amqp::ChannelClose::info.key();
}

}  // namespace warren::frontend
