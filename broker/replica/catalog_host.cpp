#include "broker/replica/catalog_host.h"

#include <algorithm>
#include <utility>

namespace warren::replica {

CatalogHost::CatalogHost(const CatalogState& state, CatalogHostPorts& ports, Stamp begin,
                         BootTime now)
    : state_(state),
      ports_(ports),
      began_(now),
      begin_stamp_(std::max(begin, state.stamp())),
      last_stamp_(begin_stamp_) {}

CatalogHost::~CatalogHost() = default;

void CatalogHost::end(NodeId hint) {
  for (auto& [session, stream] : streams_) {
    stream->on_not_leader(hint);
    session::HostReady ready = stream->take_ready();
    for (session::ToClient& message : ready.messages)
      ports_.send(std::move(message));
  }
  streams_.clear();
  for (const auto& [index, token] : std::exchange(own_, {}))
    ports_.on_own_outcome(token, nullptr);
  for (const Queued& queued : std::exchange(queue_, {}))
    if (queued.own) ports_.on_own_outcome(queued.token, nullptr);
}

void CatalogHost::on_message(session::ToHost message) {
  auto& stream = streams_[message.session];
  if (!stream)
    stream = std::make_unique<session::HostStream>(message.session, Term(), state_.ledger());
  stream->on_message(std::move(message), state_.ledger());
  pump(*stream);
  if (state_.ledger().ended(stream->session())) drop_ended();
}

// Told already, and told again whenever they ask.
void CatalogHost::drop_ended() {
  std::erase_if(streams_, [this](const auto& item) { return state_.ledger().ended(item.first); });
}

void CatalogHost::on_streams_lost(NodeId node) {
  for (auto& [session, stream] : streams_)
    if (session.node == node) stream->on_stream_lost();
}

void CatalogHost::pump(session::HostStream& stream) {
  while (stream.has_ready()) {
    session::HostReady ready = stream.take_ready();
    for (session::Batch& batch : ready.batches)
      queue_.push_back({stream.session(), std::move(batch), std::nullopt, 0});
    for (session::ToClient& message : ready.messages)
      ports_.send(std::move(message));
    if (ready.attach) stream.attached(ready.epoch, Bytes());  // nothing is held of definitions
  }
}

void CatalogHost::on_applied(const CatalogApplied& applied) {
  for (const auto& done : applied.recorded)
    if (auto at = streams_.find(done.session); at != streams_.end())
      at->second->on_applied(done.number,
                             state_.ledger().outcome(done.session, done.number).value_or(""));
  for (SessionId session : applied.ended)
    for (auto& [id, stream] : streams_)
      if (id.node == session.node && id.incarnation <= session.incarnation)
        stream->on_ended(state_.ledger());
  for (auto& [id, stream] : streams_)
    if (stream->has_ready()) pump(*stream);
  if (!applied.ended.empty()) drop_ended();
  for (const auto& [index, outcome] : applied.own) {
    auto at = own_.find(index);
    if (at == own_.end()) continue;  // of a former leader
    std::uint64_t token = at->second;
    own_.erase(at);
    ports_.on_own_outcome(token, &outcome);
  }
}

void CatalogHost::command(catalog::Command command, std::uint64_t token) {
  queue_.push_back({{}, {}, std::move(command), token});
}

Stamp CatalogHost::stamp(BootTime now) {
  auto elapsed = std::chrono::duration_cast<Milliseconds>(now - began_).count();
  Stamp stamp(begin_stamp_.value + static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed, 0)));
  return last_stamp_ = std::max(last_stamp_, stamp);
}

// One command an entry: its index becomes an id. A batch that is malformed, or holds more, is
// recorded without any outcome, which tells its sender.
std::shared_ptr<const std::string> CatalogHost::entry_of(const Queued& queued, BootTime now) {
  CatalogEntry entry;
  entry.stamp = stamp(now);
  if (queued.own) {
    entry.own.push_back(*queued.own);
    return encode_catalog_entry(entry);
  }
  CatalogEntryBatch batch{queued.session, queued.batch.number, queued.batch.released, {}};
  auto commands = decode_catalog_batch(queued.batch.payload.view());
  if (commands && commands->size() == 1) batch.commands = std::move(*commands);
  entry.batches.push_back(std::move(batch));
  return encode_catalog_entry(entry);
}

bool CatalogHost::turn(BootTime now) {
  while (!queue_.empty()) {
    raft::ProposeResult result = ports_.propose(entry_of(queue_.front(), now));
    if (result.outcome != raft::ProposeOutcome::proposed) return false;
    if (queue_.front().own) own_[EntryIndex(result.index.value)] = queue_.front().token;
    queue_.pop_front();
  }
  return false;
}

}  // namespace warren::replica
