#include "storage/wal_check.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "storage/crc32c.h"
#include "storage/flipped_bit.h"

namespace warren::storage {

namespace {

constexpr std::size_t block_size = 32768;
constexpr std::size_t header_size = 7;
constexpr std::size_t batch_header_size = 12;
enum RecordType : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };

std::uint64_t little_endian(const char* data, int octets) {
  std::uint64_t v = 0;
  for (int i = octets - 1; i >= 0; --i)
    v = (v << 8) | static_cast<unsigned char>(data[i]);
  return v;
}

// One log file, one block in memory at a time.
class WalFile {
 public:
  static std::unique_ptr<WalFile> open(rocksdb::Env& env, const std::string& path) {
    auto file = std::unique_ptr<WalFile>(new WalFile);
    file->path = path;
    if (!env.GetFileSize(path, &file->size_).ok()) return nullptr;
    if (!env.NewRandomAccessFile(path, &file->file_, rocksdb::EnvOptions()).ok()) return nullptr;
    return file;
  }

  std::uint64_t size() const { return size_; }
  bool failed() const { return failed_; }

  // The octets from `offset` to the end of its block or of the file.
  rocksdb::Slice rest_of_block(std::uint64_t offset) {
    const std::uint64_t start = offset / block_size * block_size;
    if (!loaded_ || start != start_) load(start);
    const std::size_t within = std::min<std::size_t>(offset - start, block_.size());
    return {block_.data() + within, block_.size() - within};
  }

  std::string path;

 private:
  void load(std::uint64_t start) {
    buffer_.resize(block_size);
    start_ = start;
    loaded_ = true;
    block_ = {};
    // A batch that was cut at a block's end: RocksDB calls reading nothing there an error.
    if (start >= size_) return;
    const std::size_t want = std::min<std::uint64_t>(block_size, size_ - start);
    if (!file_->Read(start, want, &block_, buffer_.data()).ok() || block_.size() != want) {
      failed_ = true;
      block_ = {};
    }
  }

  std::unique_ptr<rocksdb::RandomAccessFile> file_;
  std::uint64_t size_ = 0;
  std::string buffer_;
  rocksdb::Slice block_;
  std::uint64_t start_ = 0;
  bool loaded_ = false;
  bool failed_ = false;
};

struct Record {
  std::uint8_t type = 0;
  rocksdb::Slice payload;
  std::size_t size() const { return header_size + payload.size(); }
};

// A record whose checksum holds, at the front of what is left of a block.
std::optional<Record> parse_record(rocksdb::Slice rest) {
  if (rest.size() < header_size) return std::nullopt;
  const char* data = rest.data();
  const std::uint8_t type = static_cast<std::uint8_t>(data[6]);
  const std::size_t length = little_endian(data + 4, 2);
  if (type < full || type > last || length > rest.size() - header_size) return std::nullopt;
  const std::uint32_t crc = crc32c_mask(crc32c_extend(0, data + 6, 1 + length));
  if (crc != little_endian(data, 4)) return std::nullopt;
  return Record{type, {data + header_size, length}};
}

struct BatchHeader {
  std::uint64_t sequence = 0;
  std::uint64_t count = 0;
};

enum class Step : std::uint8_t { batch, end, damage };

// Reads whole batches from an offset on.
class BatchReader {
 public:
  BatchReader(WalFile& file, std::uint64_t offset) : file_(file), offset_(offset) {}

  // After batch: header() and offset() behind it. After damage: damage_offset(), batch_start().
  Step next() {
    std::string head;
    bool inside = false;
    batch_start_ = offset_;
    while (true) {
      skip_filler();
      if (offset_ >= file_.size()) return inside ? damaged() : Step::end;
      if (!inside) batch_start_ = offset_;
      auto record = parse_record(file_.rest_of_block(offset_));
      if (!record) return damaged();
      const bool opens = record->type == full || record->type == first;
      if (opens == inside) return damaged();
      inside = true;
      const std::size_t missing = batch_header_size - head.size();
      head.append(record->payload.data(), std::min(record->payload.size(), missing));
      const bool closes = record->type == full || record->type == last;
      if (closes && head.size() < batch_header_size) return damaged();
      offset_ += record->size();
      if (!closes) continue;
      header_ = {little_endian(head.data(), 8), little_endian(head.data() + 8, 4)};
      return Step::batch;
    }
  }

  const BatchHeader& header() const { return header_; }
  std::uint64_t damage_offset() const { return offset_; }
  std::uint64_t batch_start() const { return batch_start_; }

 private:
  void skip_filler() {
    const std::uint64_t left = block_size - offset_ % block_size;
    if (left < header_size && offset_ + left <= file_.size()) offset_ += left;
  }
  Step damaged() { return Step::damage; }

  WalFile& file_;
  std::uint64_t offset_;
  std::uint64_t batch_start_ = 0;
  BatchHeader header_;
};

// Is there a whole batch anywhere at or after `from`? Its sequence must not be below `least`: an
// older file's octets inside a message are no batch of ours.
bool has_intact_batch(WalFile& file, std::uint64_t from, std::uint64_t least) {
  for (std::uint64_t offset = from; offset < file.size(); ++offset) {
    auto record = parse_record(file.rest_of_block(offset));
    if (!record || (record->type != full && record->type != first)) continue;
    BatchReader reader(file, offset);
    if (reader.next() == Step::batch && reader.header().sequence >= least) return true;
  }
  return false;
}

class WalCheck {
 public:
  WalReport run(std::vector<std::unique_ptr<WalFile>> files) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (walk(*files[i])) continue;
      if (report_.verdict == WalVerdict::torn) look_behind(files, i);
      break;
    }
    for (const auto& file : files)
      if (file->failed()) {
        report_.verdict = WalVerdict::unreadable;
        report_.file = file->path;
        report_.text = "cannot be read";
      }
    return report_;
  }

 private:
  // True: intact to its end.
  bool walk(WalFile& file) {
    BatchReader reader(file, 0);
    while (true) {
      const Step step = reader.next();
      if (step == Step::end) return true;
      if (step == Step::damage) {
        note_damage(file, reader);
        return false;
      }
      const BatchHeader& header = reader.header();
      // Files whose batches are flushed go one by one, in any order: between two files a power cut
      // may leave such a gap. That no needed file is missing is the manifest's to know.
      const bool may_be_gap = reader.batch_start() == 0 && header.sequence > expected_.value_or(0);
      if (expected_ && !may_be_gap && header.count != 0 && header.sequence != *expected_) {
        note(file, WalVerdict::corrupt, reader,
             "batches are missing or twice at sequence " + std::to_string(header.sequence));
        return false;
      }
      expected_ = header.sequence + header.count;
      ++report_.batches;
    }
  }
  void note_damage(WalFile& file, const BatchReader& reader) {
    const rocksdb::Slice rest = file.rest_of_block(reader.damage_offset());
    if (one_bit_is_flipped({rest.data(), rest.size()}))
      note(file, WalVerdict::corrupt, reader, "one bit of a record is wrong");
    else
      note(file, WalVerdict::torn, reader, "a record is cut short or its checksum is wrong");
  }
  void note(const WalFile& file, WalVerdict verdict, const BatchReader& reader, std::string text) {
    report_.verdict = verdict;
    report_.file = file.path;
    report_.offset = verdict == WalVerdict::torn ? reader.damage_offset() : reader.batch_start();
    report_.keep = reader.batch_start();
    report_.text = std::move(text);
  }
  void look_behind(const std::vector<std::unique_ptr<WalFile>>& files, std::size_t damaged) {
    const std::uint64_t least = expected_.value_or(0);
    bool found = has_intact_batch(*files[damaged], report_.keep + 1, least);
    for (std::size_t i = damaged + 1; i < files.size() && !found; ++i)
      found = has_intact_batch(*files[i], 0, least);
    if (!found) return;
    report_.verdict = WalVerdict::corrupt;
    report_.text += ", and intact batches follow it";
  }

  WalReport report_;
  std::optional<std::uint64_t> expected_;
};

std::optional<std::uint64_t> log_number(const std::string& name) {
  constexpr std::string_view suffix = ".log";
  if (name.size() <= suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : name.substr(0, name.size() - suffix.size())) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

}  // namespace

WalReport check_wal(rocksdb::Env& env, const std::string& directory) {
  std::vector<std::string> names;
  if (!env.GetChildren(directory, &names).ok())
    return {WalVerdict::unreadable, directory, 0, 0, "cannot be listed"};
  std::vector<std::pair<std::uint64_t, std::string>> logs;
  for (const std::string& name : names)
    if (auto number = log_number(name)) logs.emplace_back(*number, directory + "/" + name);
  std::sort(logs.begin(), logs.end());
  std::vector<std::unique_ptr<WalFile>> files;
  for (const auto& [number, path] : logs) {
    files.push_back(WalFile::open(env, path));
    if (!files.back()) return {WalVerdict::unreadable, path, 0, 0, "cannot be opened"};
  }
  return WalCheck().run(std::move(files));
}

std::string cut_torn_tail(rocksdb::Env& env, const WalReport& report) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env.ReopenWritableFile(report.file, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Truncate(report.keep);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  return status.ok() ? std::string() : status.ToString();
}

}  // namespace warren::storage
