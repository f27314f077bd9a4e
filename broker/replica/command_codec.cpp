#include "broker/replica/command_codec.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>

#include "broker/replica/wire.h"
#include "proto/command.pb.h"

namespace warren::replica {
namespace {

using queue::ClientCommand;

enum Kind : std::uint64_t {
  publish_kind = 0,
  settle_kind = 1,
  purge_kind = 2,
  seal_kind = 3,
  part_kind = 4,
  drop_kind = 5
};

constexpr std::uint32_t parts_version = 2;
constexpr std::uint32_t delays_version = 3;
constexpr std::uint32_t dead_letters_version = 3;
constexpr std::uint32_t keys_version = 4;
// The factor of a run's count.
constexpr std::uint64_t kinds(std::uint32_t version) {
  return version < parts_version ? 4 : 8;
}

constexpr std::uint32_t persistent_flag = 1;
constexpr std::uint32_t ttl_flag = 2;
constexpr std::uint32_t dead_letter_flag = 4;
// A priority of 0, and not none: any other says so itself, in batches of older nodes too.
constexpr std::uint32_t zero_priority_flag = 8;

// Builds the columns of one batch.
class BatchEncoder {
 public:
  explicit BatchEncoder(CatalogIndex catalog_index) {
    header_.set_version(1);
    header_.set_catalog_index(catalog_index.value);
  }

  void add(const queue::Publish& p) {
    run(publish_kind);
    header_.add_publish_envelope(envelope_of(p));
    header_.add_publish_properties(string_of(p.content.properties));
    header_.add_publish_body_size(p.content.body.size());
    add_body(p.content.body);
    if (p.content.dead_letter) needs(dead_letters_version);
    const auto position = static_cast<std::uint32_t>(header_.publish_envelope_size() - 1);
    if (p.delay_ms > 0) {
      needs(delays_version);
      header_.add_delayed_publish(position);
      header_.add_delay_ms(p.delay_ms);
    }
    if (p.duplicate) {
      needs(keys_version);
      header_.add_keyed_publish(position);
      header_.add_key_high(p.duplicate.high);
      header_.add_key_low(p.duplicate.low);
    }
    if (!p.upload) return;
    needs(parts_version);
    header_.add_large_publish(position);
    header_.add_large_upload(p.upload.value);
    header_.add_large_octets(p.upload_octets);
  }
  void add(const queue::Part& p) {
    run(part_kind);
    needs(parts_version);
    header_.add_part_upload(p.upload.value);
    header_.add_part_size(p.octets.body.size());
    add_body(p.octets.body);
  }
  void add(const queue::DropUpload& d) {
    run(drop_kind);
    needs(parts_version);
    header_.add_drop_upload(d.upload.value);
  }
  void add(const queue::Settle& s) {
    run(settle_kind);
    header_.add_settle_queue(s.queue.value);
    header_.add_settle_kind(static_cast<std::uint32_t>(s.kind));
    header_.add_settle_count(static_cast<std::uint32_t>(s.messages.size()));
    for (const queue::Held& held : s.messages) {
      header_.add_held_entry(entry_.step(held.message.entry.value));
      header_.add_held_slot(slot_.step(held.message.slot.value));
      header_.add_held_term(term_.step(held.checkout.term.value));
      header_.add_held_counter(counter_.step(held.checkout.counter));
    }
  }
  void add(const queue::Purge& p) {
    run(purge_kind);
    header_.add_purge_queue(p.queue.value);
  }
  void add(const queue::Seal& s) {
    run(seal_kind);
    header_.add_seal_queue(s.queue.value);
    header_.add_seal_flags((s.if_unused ? 1u : 0u) | (s.if_empty ? 2u : 0u));
  }

  std::string finish() {
    for (auto [kind, length] : runs_)
      header_.add_order(length * kinds(header_.version()) + kind);
    std::string out = frame(header_, octets_);
    for (std::string_view s : strings_)
      out.append(s);
    for (std::string_view body : bodies_)
      out.append(body);
    return out;
  }

 private:
  void needs(std::uint32_t version) { header_.set_version(std::max(header_.version(), version)); }
  void run(std::uint64_t kind) {
    if (runs_.empty() || runs_.back().first != kind) runs_.emplace_back(kind, 0);
    ++runs_.back().second;
  }
  void add_body(std::string_view body) {
    bodies_.push_back(body);
    octets_ += body.size();
  }

  std::uint32_t string_of(std::string_view s) {
    auto [at, fresh] = string_index_.try_emplace(s, static_cast<std::uint32_t>(strings_.size()));
    if (fresh) {
      strings_.push_back(s);
      header_.add_string_size(static_cast<std::uint32_t>(s.size()));
      octets_ += s.size();
    }
    return at->second;
  }

  static bool same_envelope(const queue::Publish& a, const queue::Publish& b) {
    return a.content.exchange == b.content.exchange &&
           a.content.routing_key == b.content.routing_key && a.queues == b.queues &&
           a.persistent == b.persistent && a.priority == b.priority && a.ttl_ms == b.ttl_ms &&
           a.content.dead_letter == b.content.dead_letter;
  }
  // Neighbours are compared, then the first of each (exchange, routing key): enough for streams of
  // alike messages, and a miss costs octets only.
  std::uint32_t envelope_of(const queue::Publish& p) {
    if (last_ && same_envelope(*last_, p)) return last_envelope_;
    std::uint32_t exchange = string_of(p.content.exchange);
    std::uint32_t key = string_of(p.content.routing_key);
    auto [at, fresh] = envelope_index_.try_emplace((std::uint64_t{exchange} << 32) | key,
                                                   std::pair{&p, envelopes_});
    last_ = &p;
    if (!fresh && same_envelope(*at->second.first, p)) return last_envelope_ = at->second.second;
    header_.add_envelope_exchange(exchange);
    header_.add_envelope_routing_key(key);
    header_.add_envelope_queues(static_cast<std::uint32_t>(p.queues.size()));
    for (QueueId q : p.queues)
      header_.add_envelope_queue(q.value);
    std::uint32_t flags = (p.persistent ? persistent_flag : 0) | (p.ttl_ms ? ttl_flag : 0) |
                          (p.content.dead_letter ? dead_letter_flag : 0) |
                          (p.priority == 0 ? zero_priority_flag : 0);
    header_.add_envelope_flags(flags | (std::uint32_t{p.priority.value_or(0)} << 8));
    header_.add_envelope_ttl_ms(p.ttl_ms.value_or(0));
    return last_envelope_ = envelopes_++;
  }

  proto::BatchHeader header_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs_;  // kind, length
  std::uint64_t octets_ = 0;
  std::vector<std::string_view> strings_;
  std::vector<std::string_view> bodies_;
  boost::unordered_flat_map<std::string_view, std::uint32_t> string_index_;
  boost::unordered_flat_map<std::uint64_t, std::pair<const queue::Publish*, std::uint32_t>>
      envelope_index_;
  const queue::Publish* last_ = nullptr;
  std::uint32_t last_envelope_ = 0;
  std::uint32_t envelopes_ = 0;
  Delta entry_, slot_, term_, counter_;
};

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed batch: ") + what);
}

// Reads the columns of one batch back into commands.
class BatchDecoder {
 public:
  explicit BatchDecoder(const Bytes& blob) : blob_(blob) {}

  // Nothing: fine; else what is wrong.
  std::optional<const char*> read_header() {
    auto octets = unframe(blob_.view(), header_);
    if (!octets) return "header";
    if (header_.version() == 0 || header_.version() > batch_version) return "version";
    octets_ = *octets;
    for (std::uint32_t size : header_.string_size()) {
      if (size > octets_.size()) return "strings";
      strings_.push_back(octets_.substr(0, size));
      octets_.remove_prefix(size);
    }
    if (!envelopes_consistent()) return "envelopes";
    if (!columns_consistent()) return "columns";
    return std::nullopt;
  }

  template <typename Sink>
  std::optional<const char*> read_commands(Sink&& sink) {
    const std::uint64_t factor = kinds(header_.version());
    for (std::uint64_t run : header_.order()) {
      std::uint64_t count = run / factor;
      for (std::uint64_t i = 0; i < count; ++i) {
        bool good = false;
        switch (run % factor) {
          case publish_kind:
            good = publish(sink);
            break;
          case settle_kind:
            good = settle(sink);
            break;
          case purge_kind:
            good = purge(sink);
            break;
          case seal_kind:
            good = seal(sink);
            break;
          case part_kind:
            good = part(sink);
            break;
          case drop_kind:
            good = drop(sink);
            break;
          default:
            break;
        }
        if (!good) return "commands";
      }
    }
    if (publish_ != header_.publish_envelope_size() || settle_ != header_.settle_queue_size() ||
        purge_ != header_.purge_queue_size() || seal_ != header_.seal_queue_size() ||
        held_ != header_.held_entry_size() || part_ != header_.part_upload_size() ||
        drop_ != header_.drop_upload_size() || large_ != header_.large_publish_size() ||
        delayed_ != header_.delayed_publish_size() || keyed_ != header_.keyed_publish_size() ||
        !octets_.empty())
      return "left-over columns";
    return std::nullopt;
  }

  // How many commands the columns hold: a bound for reserve().
  std::size_t commands() const {
    return static_cast<std::size_t>(header_.publish_envelope_size() + header_.settle_queue_size() +
                                    header_.purge_queue_size() + header_.seal_queue_size() +
                                    header_.part_upload_size() + header_.drop_upload_size());
  }
  const proto::BatchHeader& header() const { return header_; }

 private:
  bool envelopes_consistent() {
    int n = header_.envelope_exchange_size();
    if (header_.envelope_routing_key_size() != n || header_.envelope_queues_size() != n ||
        header_.envelope_flags_size() != n || header_.envelope_ttl_ms_size() != n)
      return false;
    std::uint64_t queues = 0;
    for (int i = 0; i < n; ++i) {
      if (header_.envelope_exchange(i) >= strings_.size() ||
          header_.envelope_routing_key(i) >= strings_.size())
        return false;
      envelope_queue_.push_back(queues);
      queues += header_.envelope_queues(i);
    }
    return queues == static_cast<std::uint64_t>(header_.envelope_queue_size());
  }
  bool columns_consistent() const {
    const auto& h = header_;
    return h.publish_properties_size() == h.publish_envelope_size() &&
           h.publish_body_size_size() == h.publish_envelope_size() &&
           h.settle_kind_size() == h.settle_queue_size() &&
           h.settle_count_size() == h.settle_queue_size() &&
           h.held_slot_size() == h.held_entry_size() && h.held_term_size() == h.held_entry_size() &&
           h.held_counter_size() == h.held_entry_size() &&
           h.seal_flags_size() == h.seal_queue_size() &&
           h.part_size_size() == h.part_upload_size() &&
           h.large_upload_size() == h.large_publish_size() &&
           h.large_octets_size() == h.large_publish_size() &&
           h.delay_ms_size() == h.delayed_publish_size() &&
           h.key_high_size() == h.keyed_publish_size() &&
           h.key_low_size() == h.keyed_publish_size();
  }

  template <typename Sink>
  bool publish(Sink& sink) {
    int i = publish_;
    if (i >= header_.publish_envelope_size()) return false;
    std::uint32_t e = header_.publish_envelope(i);
    std::uint32_t properties = header_.publish_properties(i);
    std::uint64_t size = header_.publish_body_size(i);
    if (e >= envelope_queue_.size() || properties >= strings_.size() || size > octets_.size())
      return false;
    ++publish_;
    queue::Publish p;
    int envelope = static_cast<int>(e);
    p.content.owner = blob_.owner();
    p.content.exchange = strings_[header_.envelope_exchange(envelope)];
    p.content.routing_key = strings_[header_.envelope_routing_key(envelope)];
    p.content.properties = strings_[properties];
    p.content.body = octets_.substr(0, size);
    octets_.remove_prefix(size);
    const auto* queues = header_.envelope_queue().data() + envelope_queue_[e];
    for (std::uint32_t q = 0; q < header_.envelope_queues(envelope); ++q)
      p.queues.push_back(QueueId(queues[q]));
    std::uint32_t flags = header_.envelope_flags(envelope);
    p.persistent = (flags & persistent_flag) != 0;
    p.content.dead_letter = (flags & dead_letter_flag) != 0;
    const auto priority = static_cast<std::uint8_t>(flags >> 8);
    if (priority != 0 || (flags & zero_priority_flag) != 0) p.priority = priority;
    if ((flags & ttl_flag) != 0) p.ttl_ms = header_.envelope_ttl_ms(envelope);
    if (large_ < header_.large_publish_size() &&
        header_.large_publish(large_) == static_cast<std::uint32_t>(i)) {
      p.upload = queue::UploadId(header_.large_upload(large_));
      p.upload_octets = header_.large_octets(large_++);
    }
    if (delayed_ < header_.delayed_publish_size() &&
        header_.delayed_publish(delayed_) == static_cast<std::uint32_t>(i))
      p.delay_ms = header_.delay_ms(delayed_++);
    if (keyed_ < header_.keyed_publish_size() &&
        header_.keyed_publish(keyed_) == static_cast<std::uint32_t>(i)) {
      p.duplicate = {header_.key_high(keyed_), header_.key_low(keyed_)};
      ++keyed_;
    }
    sink(ClientCommand(std::move(p)));
    return true;
  }

  template <typename Sink>
  bool settle(Sink& sink) {
    int i = settle_;
    if (i >= header_.settle_queue_size()) return false;
    std::uint32_t kind = header_.settle_kind(i);
    std::uint32_t count = header_.settle_count(i);
    if (kind > static_cast<std::uint32_t>(queue::SettleKind::requeue_lost) ||
        count > static_cast<std::uint32_t>(header_.held_entry_size() - held_))
      return false;
    ++settle_;
    queue::Settle s;
    s.queue = QueueId(header_.settle_queue(i));
    s.kind = static_cast<queue::SettleKind>(kind);
    s.messages.reserve(count);
    for (std::uint32_t m = 0; m < count; ++m, ++held_) {
      queue::Held held;
      held.message.entry = EntryIndex(entry_.add(header_.held_entry(held_)));
      held.message.slot = Slot(static_cast<std::uint32_t>(slot_.add(header_.held_slot(held_))));
      held.checkout.term = Term(term_.add(header_.held_term(held_)));
      held.checkout.counter = counter_.add(header_.held_counter(held_));
      s.messages.push_back(held);
    }
    sink(ClientCommand(std::move(s)));
    return true;
  }

  template <typename Sink>
  bool purge(Sink& sink) {
    if (purge_ >= header_.purge_queue_size()) return false;
    queue::Purge p;
    p.queue = QueueId(header_.purge_queue(purge_++));
    sink(ClientCommand(p));
    return true;
  }

  template <typename Sink>
  bool seal(Sink& sink) {
    if (seal_ >= header_.seal_queue_size()) return false;
    queue::Seal s;
    s.queue = QueueId(header_.seal_queue(seal_));
    s.if_unused = (header_.seal_flags(seal_) & 1) != 0;
    s.if_empty = (header_.seal_flags(seal_) & 2) != 0;
    ++seal_;
    sink(ClientCommand(s));
    return true;
  }

  template <typename Sink>
  bool part(Sink& sink) {
    if (part_ >= header_.part_upload_size() || header_.part_size(part_) > octets_.size())
      return false;
    queue::Part p;
    p.upload = queue::UploadId(header_.part_upload(part_));
    p.octets.owner = blob_.owner();
    p.octets.body = octets_.substr(0, header_.part_size(part_));
    octets_.remove_prefix(p.octets.body.size());
    ++part_;
    sink(ClientCommand(std::move(p)));
    return true;
  }

  template <typename Sink>
  bool drop(Sink& sink) {
    if (drop_ >= header_.drop_upload_size()) return false;
    sink(ClientCommand(queue::DropUpload{{}, queue::UploadId(header_.drop_upload(drop_++))}));
    return true;
  }

  const Bytes& blob_;
  proto::BatchHeader header_;
  std::string_view octets_;
  std::vector<std::string_view> strings_;
  std::vector<std::uint64_t> envelope_queue_;  // where each envelope's queues start
  int publish_ = 0, settle_ = 0, purge_ = 0, seal_ = 0, held_ = 0;
  int part_ = 0, drop_ = 0, large_ = 0, delayed_ = 0, keyed_ = 0;
  Delta entry_, slot_, term_, counter_;
};

}  // namespace

Bytes encode_batch(CatalogIndex catalog_index, std::span<const ClientCommand> commands) {
  BatchEncoder encoder(catalog_index);
  for (const ClientCommand& command : commands)
    std::visit([&](const auto& c) { encoder.add(c); }, command);
  return Bytes(encoder.finish());
}

// The header's first field, which every batch has: nothing else of it is looked at.
std::uint32_t version_of_batch(const Bytes& blob) {
  constexpr char version_tag = 8;
  const std::string_view octets = blob.view();
  if (octets.size() < 6 || octets[4] != version_tag) return 0;
  const auto version = static_cast<unsigned char>(octets[5]);
  return version <= batch_version ? version : 0;
}

Result<DecodedBatch> decode_batch(const Bytes& blob) {
  BatchDecoder decoder(blob);
  if (auto wrong = decoder.read_header()) return malformed(*wrong);
  DecodedBatch batch;
  batch.catalog_index = CatalogIndex(decoder.header().catalog_index());
  batch.commands.reserve(decoder.commands());
  auto wrong = decoder.read_commands(
      [&](ClientCommand&& command) { batch.commands.push_back(std::move(command)); });
  if (wrong) return malformed(*wrong);
  return batch;
}

Result<DecodedContents> decode_contents(const std::shared_ptr<const std::string>& data) {
  auto entry = decode_entry(data);
  if (!entry) return std::unexpected(entry.error());
  DecodedContents contents;
  for (const EntryBatch& batch : entry->batches) {
    BatchDecoder decoder(batch.blob);
    if (auto wrong = decoder.read_header()) return malformed(*wrong);
    auto wrong = decoder.read_commands([&](ClientCommand&& command) {
      if (auto* p = std::get_if<queue::Publish>(&command)) {
        contents.messages.push_back(std::move(p->content));
        contents.only_parts = false;
      } else if (auto* part = std::get_if<queue::Part>(&command)) {
        contents.messages.push_back(std::move(part->octets));
      }
    });
    if (wrong) return malformed(*wrong);
  }
  return contents;
}

}  // namespace warren::replica
