#include <rocksdb/db.h>

#include <utility>

#include "storage/keys.h"
#include "storage/snapshot_store.h"

namespace warren::storage {

struct SnapshotReader::Impl {
  Database& database;
  const raft::GroupId group;
  const rocksdb::Snapshot* pinned;
  rocksdb::ReadOptions options;
  SnapshotRecord record;
  std::vector<InstalledRange> installed;
  std::unique_ptr<rocksdb::Iterator> parts;
  std::unique_ptr<rocksdb::Iterator> entries;
  std::string error;

  Impl(Database& database, raft::GroupId group)
      : database(database), group(group), pinned(database.db().GetSnapshot()) {
    options.snapshot = pinned;
    options.fill_cache = false;
  }
  ~Impl() {
    parts.reset();
    entries.reset();
    database.db().ReleaseSnapshot(pinned);
  }

  std::string prefix() const { return part_index_key(group, record.generation, ""); }
  void fail(const std::string& what, const std::string& why) {
    error = "group " + std::to_string(group.value) + ", " + what + ": " + why;
  }
  // False: no snapshot, or unreadable.
  bool find() {
    std::string octets;
    auto& db = database.db();
    if (!db.Get(options, database.state(), state_key(StateTag::snapshot, group), &octets).ok())
      return false;
    auto found = decode_snapshot(octets);
    if (!found) return false;
    record = *std::move(found);
    if (db.Get(options, database.state(), state_key(StateTag::installed, group), &octets).ok())
      if (auto ranges = decode_installed(octets)) installed = *std::move(ranges);
    parts.reset(db.NewIterator(options, database.state()));
    parts->Seek(prefix());
    entries.reset(db.NewIterator(options, database.log()));
    return true;
  }
};

SnapshotReader::SnapshotReader() = default;
SnapshotReader::~SnapshotReader() = default;

std::unique_ptr<SnapshotReader> SnapshotReader::open(Database& database, raft::GroupId group) {
  auto impl = std::make_unique<Impl>(database, group);
  if (!impl->find()) return nullptr;
  auto reader = std::unique_ptr<SnapshotReader>(new SnapshotReader);
  reader->impl_ = std::move(impl);
  return reader;
}

const raft::SnapshotMeta& SnapshotReader::meta() const {
  return impl_->record.meta;
}

const std::string& SnapshotReader::error() const {
  return impl_->error;
}

std::vector<SnapshotPart> SnapshotReader::next_parts(std::size_t max_bytes) {
  std::vector<SnapshotPart> out;
  std::size_t bytes = 0;
  const std::string prefix = impl_->prefix();
  auto& it = *impl_->parts;
  for (; it.Valid() && it.key().starts_with(prefix); it.Next()) {
    if (!out.empty() && bytes >= max_bytes) return out;
    const std::string key(it.key().data() + prefix.size(), it.key().size() - prefix.size());
    const std::uint64_t number = Decoder({it.value().data(), it.value().size()}).u64();
    SnapshotPart part{key, {}};
    const auto status =
        impl_->database.db().Get(impl_->options, impl_->database.state(),
                                 part_data_key(impl_->group, number, key), &part.octets);
    if (!status.ok()) {
      impl_->fail("a part of its snapshot", status.ToString());
      return {};
    }
    bytes += part.key.size() + part.octets.size();
    out.push_back(std::move(part));
  }
  if (!it.status().ok()) impl_->fail("its snapshot", it.status().ToString());
  return out;
}

std::vector<raft::Entry> SnapshotReader::next_entries(raft::Index after, std::size_t max_bytes) {
  std::vector<raft::Entry> out;
  std::size_t bytes = 0;
  auto& it = *impl_->entries;
  for (it.Seek(log_key(impl_->group, after.next(), 0)); it.Valid(); it.Next()) {
    const auto key = parse_log_key({it.key().data(), it.key().size()});
    if (!key || key->group != impl_->group || key->index > meta().index) break;
    if (key->generation != generation_of(impl_->installed, key->index)) continue;
    if (!out.empty() && bytes >= max_bytes) return out;
    auto entry = parse_log_record(key->index, {it.value().data(), it.value().size()});
    if (!entry) {
      impl_->fail("entry " + std::to_string(key->index.value), "malformed");
      return {};
    }
    bytes += entry->bytes().size() + 16;
    out.push_back(*std::move(entry));
  }
  if (!it.status().ok()) impl_->fail("its log", it.status().ToString());
  return out;
}

}  // namespace warren::storage
