#include "broker/cluster/snapshot_streams.h"

#include <utility>

#include "broker/cluster/raft_codec.h"
#include "broker/runtime/log.h"
#include "raft/configuration.h"

namespace warren::cluster {

namespace {

constexpr std::size_t part_bytes = 1u << 20;

// A part of the state travels as one chunk: its key's length, its key, its octets.
std::string encode_chunk(const storage::SnapshotPart& part) {
  std::string chunk;
  chunk.push_back(static_cast<char>(part.key.size()));
  chunk += part.key;
  chunk += part.octets;
  return chunk;
}

std::optional<storage::SnapshotPart> decode_chunk(const std::string& chunk) {
  if (chunk.empty()) return std::nullopt;
  const auto length = static_cast<unsigned char>(chunk[0]);
  if (chunk.size() < 1u + length) return std::nullopt;
  return storage::SnapshotPart{chunk.substr(1, length), chunk.substr(1 + length)};
}

}  // namespace

SnapshotStreams::SnapshotStreams(storage::Database& database, const SnapshotPaths& paths,
                                 Milliseconds patience)
    : database_(database), paths_(paths), patience_(patience), watcher_([this] { watch(); }) {}

SnapshotStreams::~SnapshotStreams() {
  stop();
}

void SnapshotStreams::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [node, sender] : senders_)
      if (sender->context) sender->context->TryCancel();
    wake_.notify_all();
  }
  // No more senders are made now.
  for (auto& [node, sender] : senders_)
    if (sender->thread.joinable()) sender->thread.join();
  if (watcher_.joinable()) watcher_.join();
}

void SnapshotStreams::send(GroupId group, raft::Term term, NodeId self, raft::MemberId to,
                           Sent sent) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  auto& sender = senders_[NodeId(to.node)];
  if (!sender) {
    sender = std::make_unique<Sender>();
    sender->thread = std::thread([this, &s = *sender] { run(s); });
  }
  sender->jobs.push_back({group, term, self, to, std::move(sent)});
  wake_.notify_all();
}

void SnapshotStreams::run(Sender& sender) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !sender.jobs.empty(); });
    if (stopping_) return;
    Job job = std::move(sender.jobs.front());
    sender.jobs.pop_front();
    lock.unlock();
    auto index = stream(sender, job);
    job.sent(index.value_or(raft::Index()), index.has_value());
    lock.lock();
  }
}

void SnapshotStreams::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    for (auto& [node, sender] : senders_) {
      if (!sender->context || now - sender->progress < patience_) continue;
      runtime::log_warning("node {} takes nothing of the snapshot that is sent to it: giving up",
                           node.value);
      sender->context->TryCancel();
    }
    wake_.wait_for(lock, patience_ / 4);
  }
}

bool SnapshotStreams::begin(Sender& sender, grpc::ClientContext& context) {
  for (const auto& [key, value] : paths_.metadata())
    context.AddMetadata(key, value);
  std::lock_guard lock(mutex_);
  if (stopping_) return false;
  sender.context = &context;
  sender.progress = std::chrono::steady_clock::now();
  return true;
}

void SnapshotStreams::note_progress(Sender& sender) {
  std::lock_guard lock(mutex_);
  sender.progress = std::chrono::steady_clock::now();
}

std::optional<raft::Index> SnapshotStreams::stream(Sender& sender, const Job& job) {
  auto reader = storage::SnapshotReader::open(database_, raft::GroupId(job.group.value));
  auto stub = paths_.raft_stub(NodeId(job.to.node));
  if (!reader || !stub) return std::nullopt;
  const raft::SnapshotMeta& meta = reader->meta();
  runtime::log_info("group {}: sending the snapshot of entry {} to node {}", job.group.value,
                    meta.index.value, job.to.node);

  grpc::ClientContext context;
  if (!begin(sender, context)) return std::nullopt;
  proto::SnapshotResult result;
  auto writer = stub->InstallSnapshot(&context, &result);
  auto write = [&](proto::SnapshotPart part) {
    part.set_group(job.group.value);
    encode(job.to, *part.mutable_to());
    part.set_term(job.term.value);
    part.set_snapshot_index(meta.index.value);
    part.set_snapshot_term(meta.term.value);
    part.set_configuration(raft::encode_configuration(meta.configuration));
    const bool taken = writer->Write(part);
    note_progress(sender);
    return taken;
  };
  bool good = true;
  for (auto parts = reader->next_parts(part_bytes); good && !parts.empty();
       parts = reader->next_parts(part_bytes)) {
    proto::SnapshotPart message;
    for (const auto& part : parts)
      message.add_chunks(encode_chunk(part));
    good = write(std::move(message));
  }
  raft::Index after;
  for (auto entries = reader->next_entries(after, part_bytes); good && !entries.empty();
       entries = reader->next_entries(after, part_bytes)) {
    proto::SnapshotPart message;
    for (const raft::Entry& entry : entries)
      encode(entry, *message.add_live_entries());
    after = entries.back().index;
    good = write(std::move(message));
  }
  if (!reader->error().empty()) {
    runtime::log_error("group {}: cannot read the snapshot to send: {}", job.group.value,
                       reader->error());
    context.TryCancel();
    good = false;
  }
  if (good) {
    proto::SnapshotPart last;
    last.set_last(true);
    write(std::move(last));
  }
  writer->WritesDone();
  auto status = writer->Finish();
  std::lock_guard lock(mutex_);
  sender.context = nullptr;
  if (!good || !status.ok() || !result.installed()) return std::nullopt;
  return meta.index;
}

SnapshotIntake::~SnapshotIntake() {
  if (!install_) return;
  install_.reset();
  lane_.groups().cancel_install(group_);
  lane_.wake();
}

bool SnapshotIntake::begin(const proto::SnapshotPart& part) {
  group_ = GroupId(part.group());
  auto configuration = raft::decode_configuration(part.configuration());
  if (!configuration || !lane_.answers_to(group_, decode(part.to()))) return false;
  meta_ = {raft::Index(part.snapshot_index()), raft::Term(part.snapshot_term()), *configuration};
  if (!lane_.groups().begin_install(group_, meta_)) return false;
  // Entries that are durable and committed here are this replica's own already.
  auto status = lane_.groups().status(group_);
  install_ = std::make_unique<storage::SnapshotInstall>(log_, raft::GroupId(group_.value),
                                                        status ? status->applied : raft::Index());
  return true;
}

void SnapshotIntake::take(proto::SnapshotPart part, std::function<void(bool)> done) {
  if (!install_ && !begin(part)) return done(false);
  for (const std::string& chunk : part.chunks()) {
    auto decoded = decode_chunk(chunk);
    if (!decoded) return done(false);
    install_->put_part(decoded->key, decoded->octets);
  }
  for (proto::RaftEntry& entry : *part.mutable_live_entries())
    install_->put_entry(decode(entry));
  if (!part.last()) return done(true);
  install_->commit(meta_, [this, done = std::move(done)] {
    install_.reset();
    auto restored = lane_.groups().finish_install(group_, meta_, {lane_.now(), Stamp(0)});
    CHECK(restored.has_value(), "group {}: the installed snapshot cannot be read: {}", group_.value,
          restored.error().text);
    runtime::log_info("group {}: installed the snapshot of entry {}", group_.value,
                      meta_.index.value);
    lane_.wake();
    done(true);
  });
}

}  // namespace warren::cluster
