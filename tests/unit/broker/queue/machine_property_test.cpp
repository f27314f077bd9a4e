// Random commands against an obvious model, beside a machine that is restored from its own
// snapshot again and again and must never differ by an octet.
#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <utility>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

struct ModelMessage {
  std::uint32_t size = 0;
  std::uint32_t failed = 0;
  Stamp deadline;
  Stamp retry;  // it waits until then
  Stamp came;   // to a stream
};
struct ModelDelayed {
  std::uint32_t size = 0;
  LevelNumber level;
  std::optional<std::uint64_t> ttl_ms;
};
struct ModelQueue {
  bool sealed = false;
  // By level, then by when they became ready.
  std::map<std::tuple<LevelNumber, std::uint64_t, MessageId>, ModelMessage> messages;
  std::map<std::pair<Stamp, MessageId>, ModelDelayed> delayed;
  // Of a stream.
  Stamp last_came;
  std::map<std::string, Ordinal> readers;

  std::vector<std::pair<Stamp, DuplicateKey>> taken;  // the oldest first

  bool knows(DuplicateKey key, Stamp now, const DuplicateWindow::Bounds& bounds) {
    if (bounds.keys == 0 || !key) return false;
    if (bounds.time_ms)
      std::erase_if(taken, [&](const auto& one) { return one.first.next(*bounds.time_ms) <= now; });
    return std::ranges::any_of(taken, [&](const auto& one) { return one.second == key; });
  }
  void know(DuplicateKey key, Stamp now, const DuplicateWindow::Bounds& bounds) {
    if (bounds.keys == 0 || !key) return;
    if (taken.size() == bounds.keys) taken.erase(taken.begin());
    taken.emplace_back(now, key);
  }
  std::optional<ModelMessage> take(MessageId id) {
    auto at = std::ranges::find_if(messages,
                                   [&](const auto& pair) { return std::get<2>(pair.first) == id; });
    if (at == messages.end()) return std::nullopt;
    return messages.extract(at).mapped();
  }
};

// Every queue has limits of its own.
Settings settings_of(QueueId id) {
  Settings settings;
  if (id.value % 2 == 0) settings.max_priority = static_cast<std::uint8_t>(id.value);
  if (id.value % 3 == 0) settings.message_ttl_ms = 100 * id.value;
  if (id.value >= 4) settings.delivery_limit = id.value - 4;
  if (id.value % 2 == 1) settings.dead_letters = DeadLettering{"/", "q", "dlx", {}, false};
  if (id.value == 5) settings.overflow = Overflow::reject_publish_dlx;
  if (id.value == 3) settings.retry = {RetryKind::failed, 100, 250, 0};
  if (id.value == 2) settings.duplicates = {5, {}};
  if (id.value == 6) settings.duplicates = {1000, 300};
  if (id.value == 5) settings.retry = {RetryKind::all, 10, {}, 3};
  if (id.value >= 7) settings = {};
  if (id.value == 7) settings.stream = Retention{2000, {}};
  if (id.value == 8) settings.stream = Retention{{}, 900};
  if (id.value == 9) settings.stream = Retention{.max_messages = 5};
  if (id.value == 10) settings.strict_priorities = true;
  if (id.value == 10) settings.duplicates = {20, {}};
  if (id.value == 10) settings.delivery_limit = 2;
  return settings;
}

constexpr std::uint64_t queues = 10;  // of which three are streams
bool is_stream(QueueId id) {
  return settings_of(id).stream.has_value();
}

class Comparison {
 public:
  explicit Comparison(unsigned seed) : random_(seed), twin_(std::make_unique<Machine>()) {}

  void play(int steps) {
    for (step_ = 0; step_ < steps && !testing::Test::HasFailure(); ++step_) {
      one_step();
      if (draw(10) == 0) twin_ = std::make_unique<Machine>(copy_by_snapshot(*twin_));
      if (step_ % 20 == 0) compare();
    }
    compare();
  }

 private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  QueueId some_queue() { return QueueId(1 + draw(queues)); }

  template <typename Command>
  void both(Command command) {
    Effects mine, twins;
    auto outcome = command(machine_, mine);
    auto other = command(*twin_, twins);
    EXPECT_EQ(outcome, other);
    EXPECT_EQ(mine.settled, twins.settled);
    EXPECT_EQ(mine.dead_entries, twins.dead_entries);
  }

  std::vector<MessageId> some_messages(QueueId id) {
    std::vector<MessageId> some;
    auto it = model_.find(id);
    if (it == model_.end()) return some;
    for (const auto& [key, state] : it->second.messages)
      if (draw(4) == 0) some.push_back(std::get<2>(key));
    return some;
  }

  void one_step() {
    now_.value += draw(50);
    both([&](Machine& m, Effects&) { return m.set_time(now_), Outcome(); });
    if (draw(4) == 0) ripen();
    switch (draw(26)) {
      case 0:
        return create();
      case 1:
        return remove();
      case 2:
        return purge();
      case 3:
        return draw(5) == 0 ? seal() : mark();
      case 4:
        return touch();
      case 5:
        return draw(4) == 0 ? new_term() : mark();
      case 6:
      case 7:
        return settle(SettleKind::requeue_lost);
      case 8:
      case 9:
      case 10:
      case 11:
        return settle(SettleKind::ack);
      case 12:
      case 13:
        return draw(6) == 0 ? drop_upload() : add_part();
      case 14:
        return enqueue(some_upload());
      case 15:
        return expel();
      case 16:
        return settle(SettleKind::reject);
      case 17:
        return finish_letters();
      case 18:
        return read_through();
      default:
        return enqueue({});
    }
  }

  void create() {
    QueueId id = some_queue();
    if (removed_.size() > 3) {
      both([&](Machine& m, Effects&) { return m.forget_removed(CatalogIndex(~0ull)), Outcome(); });
      removed_.clear();
    }
    both([&](Machine& m, Effects& e) { return m.create(id, settings_of(id), e), Outcome(); });
    if (!removed_.contains(id)) model_.try_emplace(id);
  }
  void remove() {
    if (draw(5) != 0) return;
    QueueId id = some_queue();
    both([&](Machine& m, Effects& e) { return m.remove(id, CatalogIndex(9), e), Outcome(); });
    removed_.insert(id);
    model_.erase(id);
  }
  void purge() {
    QueueId id = some_queue();
    auto held = some_messages(id);
    both([&](Machine& m, Effects& e) { return m.purge(id, held, e); });
    auto it = model_.find(id);
    if (it == model_.end() || it->second.sealed || is_stream(id)) return;
    std::erase_if(it->second.messages, [&](const auto& pair) {
      return std::find(held.begin(), held.end(), std::get<2>(pair.first)) == held.end();
    });
    it->second.delayed.clear();
  }
  void seal() {
    QueueId id = some_queue();
    both([&](Machine& m, Effects& e) { return m.seal(id, false, {}, e); });
    auto it = model_.find(id);
    if (it != model_.end()) it->second.sealed = true;
  }
  void mark() {
    QueueId id = some_queue();
    LevelNumber level(static_cast<std::uint8_t>(draw(2) == 0 ? draw(5) : draw(40)));
    Ordinal below = first_of(level).next(draw(200));
    both([&](Machine& m, Effects& e) { return m.mark(id, level, below, e), Outcome(); });
  }
  void touch() {
    QueueId id = some_queue();
    SessionId session{NodeId(1 + static_cast<std::uint32_t>(draw(3))), Incarnation(1 + draw(3))};
    std::uint64_t what = draw(5);
    CheckoutId through{Term(1 + draw(3)), draw(9)};
    both([&](Machine& m, Effects& e) {
      if (what == 0) m.untouch(session, id, e);
      if (what == 1) m.end_session(session, e);
      if (what == 2) m.lapse(session, id, through, e);
      if (what >= 3) m.touch(session, id, e);
      return Outcome();
    });
    if (what == 1)
      std::erase_if(uploads_, [session](const auto& upload) {
        return upload.first.session.node == session.node && upload.first.session <= session;
      });
  }
  UploadKey some_upload() {
    SessionId session{NodeId(1 + static_cast<std::uint32_t>(draw(3))), Incarnation(1 + draw(3))};
    return {session, UploadId(1 + draw(2))};
  }
  void add_part() {
    if (draw(2) == 0) ++next_.entry, next_.slot = Slot(0);
    UploadKey key = some_upload();
    BodyPart part{next_, static_cast<std::uint32_t>(1 + draw(1000))};
    both([&](Machine& m, Effects& e) { return m.add_part(key, part, e); });
    uploads_[key] += part.size;
    ++next_.slot;
  }
  void drop_upload() {
    UploadKey key = some_upload();
    both([&](Machine& m, Effects& e) { return m.drop_upload(key, e); });
    uploads_.erase(key);
  }
  void new_term() {
    ++term_;
    both([&](Machine& m, Effects&) { return m.on_new_term(term_, EntryIndex(1)), Outcome(); });
  }
  void settle(SettleKind kind) {
    QueueId id = some_queue();
    auto some = some_messages(id);
    both([&](Machine& m, Effects& e) { return m.settle(id, kind, some, e); });
    if (is_stream(id)) return;  // what is read stays
    const auto limit = settings_of(id).delivery_limit;
    for (MessageId message : some) {
      ModelQueue& queue = model_[id];
      auto at = std::ranges::find_if(
          queue.messages, [&](const auto& pair) { return std::get<2>(pair.first) == message; });
      const bool fails = kind == SettleKind::requeue_lost && ++at->second.failed > limit && limit;
      if (fails) bury(id, message, at->second.size, DeathReason::delivery_limit);
      if (kind == SettleKind::reject) bury(id, message, at->second.size, DeathReason::rejected);
      if (fails || kind == SettleKind::ack || kind == SettleKind::reject) {
        queue.messages.erase(at);
        continue;
      }

      const std::uint64_t delay = settings_of(id).retry.delay_ms(true, at->second.failed);
      at->second.retry = delay > 0 ? now_.next(delay) : Stamp();
    }
  }
  void expel() {
    QueueId id = some_queue();
    auto some = some_messages(id);
    if (draw(3) == 0) some.push_back({EntryIndex(1), Slot(77)});  // gone by now
    both([&](Machine& m, Effects& e) {
      m.expel(id, DeathReason::expired, some, e);
      return Outcome();
    });
    if (is_stream(id)) return;
    for (MessageId message : some)
      if (auto it = model_.find(id); it != model_.end())
        if (auto gone = it->second.take(message))
          bury(id, message, gone->size, DeathReason::expired);
  }
  void bury(QueueId id, MessageId message, std::uint32_t size, DeathReason reason) {
    if (settings_of(id).dead_letters)
      letters_.emplace(++last_letter_,
                       std::pair(id, DeadLetter{last_letter_, message, now_, reason, size}));
  }
  void finish_letters() {
    for (auto it = letters_.begin(); it != letters_.end();) {
      if (draw(3) == 0) {
        ++it;
        continue;
      }
      both([&](Machine& m, Effects& e) {
        m.finish_dead_letter(it->second.first, it->first, e);
        return Outcome();
      });
      it = letters_.erase(it);
    }
  }
  std::optional<std::uint8_t> some_priority() {
    if (draw(3) == 0) return std::nullopt;
    return static_cast<std::uint8_t>(draw(4) == 0 ? draw(256) : draw(7));
  }
  static LevelNumber level_given(std::optional<std::uint8_t> given, const Settings& settings) {
    const int highest = settings.strict_priorities ? 31 : settings.max_priority;
    const int priority = given.value_or(settings.strict_priorities ? 4 : 0);
    return LevelNumber(static_cast<std::uint8_t>(highest - std::min(priority, highest)));
  }
  void enqueue(UploadKey upload) {
    if (draw(2) == 0) ++next_.entry, next_.slot = Slot(0);
    std::vector<QueueId> targets;
    for (std::uint64_t i = 1; i <= queues; ++i)
      if (draw(3) == 0) targets.push_back(QueueId(i));
    auto size = static_cast<std::uint32_t>(draw(5) * 100);
    auto gathered = uploads_.extract(upload);
    std::uint64_t octets = gathered.empty() ? 0 : gathered.mapped();
    std::uint64_t named = draw(5) == 0 ? draw(3000) : octets;
    std::vector<QueueId> full;
    for (QueueId id : targets)
      if (draw(20) == 0) full.push_back(id);
    Enqueue command{next_, size, some_priority(), now_, targets, upload, named};
    if (draw(3) == 0) command.ttl_ms = draw(500);
    command.properties = static_cast<std::uint32_t>(draw(3) * 7);
    command.full = full;
    if (draw(3) == 0) command.delay_ms = draw(2) == 0 ? 300 : draw(1000);
    if (draw(2) == 0) command.duplicate = {1, 1 + draw(20)};
    both([&](Machine& m, Effects& e) { return m.enqueue(command, e); });
    MessageId message = next_;
    ++next_.slot;
    if (upload.upload && (octets == 0 || octets != named)) return;
    size += static_cast<std::uint32_t>(octets);
    for (QueueId id : targets) {
      auto it = model_.find(id);
      if (it == model_.end() || it->second.sealed) continue;
      const Settings settings = settings_of(id);
      if (it->second.knows(command.duplicate, now_, settings.duplicates)) continue;
      if (std::ranges::count(full, id) != 0) {
        if (settings_of(id).overflow == Overflow::reject_publish_dlx)
          bury(id, message, size, DeathReason::maxlen);
        continue;
      }
      it->second.know(command.duplicate, now_, settings.duplicates);
      const LevelNumber level = level_given(command.priority, settings);
      if (command.delay_ms > 0)
        it->second.delayed[{now_.next(command.delay_ms), message}] = {size, level, command.ttl_ms};
      else
        add_ready(id, message, {size, level, command.ttl_ms});
    }
  }
  void add_ready(QueueId id, MessageId message, const ModelDelayed& taken) {
    auto ttl = taken.ttl_ms;
    const Settings settings = settings_of(id);
    if (settings.stream) return add_to_stream(id, message, taken.size);
    if (settings.message_ttl_ms && (!ttl || *ttl > *settings.message_ttl_ms))
      ttl = settings.message_ttl_ms;
    model_[id].messages[{taken.level, ++ready_, message}] = {taken.size, 0,
                                                             ttl ? now_.next(*ttl) : Stamp()};
  }
  // Those that are too old go by runs of a second: that is seen when they are compared.
  void add_to_stream(QueueId id, MessageId message, std::uint32_t size) {
    ModelQueue& queue = model_[id];
    queue.messages[{LevelNumber(), ++ready_, message}] = {.size = size, .came = now_};
    queue.last_came = now_;
    const Retention kept_by = *settings_of(id).stream;
    const auto most = kept_by.max_octets, most_messages = kept_by.max_messages;
    auto octets = [&] {
      std::uint64_t sum = 0;
      for (const auto& [key, kept] : queue.messages)
        sum += kept.size;
      return sum;
    };
    while ((most_messages && queue.messages.size() > *most_messages) ||
           (most && queue.messages.size() > 1 && octets() > *most))
      queue.messages.erase(queue.messages.begin());
  }
  void drop_aged(QueueId id, const QueueRecord& record) {
    const auto age = settings_of(id).stream->max_age_ms;
    ModelQueue& queue = model_.at(id);
    const auto first = record.messages.top().messages.first();
    while (age && first && !queue.messages.empty() &&
           std::get<2>(queue.messages.begin()->first) != first->id) {
      EXPECT_LE(queue.messages.begin()->second.came.next(*age), queue.last_came) << "gone early";
      queue.messages.erase(queue.messages.begin());
    }
    if (age && queue.messages.size() > 1)
      EXPECT_GT(queue.messages.begin()->second.came.next(*age + 2 * StreamBook::run_ms),
                queue.last_came)
          << "kept too long";
  }
  void read_through() {
    const QueueId id = some_queue();
    const std::string tag(1, static_cast<char>('a' + draw(3)));
    const Ordinal next(draw(100));
    both([&](Machine& m, Effects&) { return m.read_through(id, tag, next), Outcome(); });
    if (auto it = model_.find(id); it != model_.end() && is_stream(id)) {
      Ordinal& known = it->second.readers[tag];
      known = std::max(known, next);
    }
  }
  void ripen() {
    both([&](Machine& m, Effects& e) { return m.ripen(now_, e), Outcome(); });
    for (auto& [id, queue] : model_)
      while (!queue.delayed.empty() && queue.delayed.begin()->first.first <= now_) {
        auto first = queue.delayed.extract(queue.delayed.begin());
        add_ready(id, first.key().second, first.mapped());
      }
  }

  void compare() {
    EXPECT_EQ(broken_invariant(machine_), "") << "step " << step_;
    EXPECT_EQ(snapshot_of(machine_), snapshot_of(*twin_)) << "step " << step_;
    EXPECT_EQ(machine_.queue_count(), model_.size());
    EXPECT_EQ(machine_.large_bodies().upload_count(), uploads_.size());
    EXPECT_EQ(machine_.dead_letters().size(), letters_.size());
    for (const auto& [number, letter] : letters_) {
      const DeadLetter* found = machine_.dead_letters().next(letter.first, number);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(*found, letter.second);
    }
    for (const auto& [id, queue] : model_) {
      const QueueRecord* record = machine_.find(id);
      ASSERT_NE(record, nullptr);
      if (is_stream(id)) compare_stream(id, *record);
      EXPECT_EQ(record->sealed, queue.sealed);
      auto expected = queue.messages.begin();
      record->messages.for_each([&](const Message& message) {
        bool same = expected != queue.messages.end() &&
                    std::get<0>(expected->first) == level_of(message.ordinal) &&
                    std::get<2>(expected->first) == message.id &&
                    expected->second.size == message.size &&
                    expected->second.deadline == message.deadline &&
                    expected->second.retry == retry_of(*record, message.ordinal) &&
                    expected->second.failed == machine_.failed_deliveries(id, message.ordinal);
        EXPECT_TRUE(same) << "queue " << id.value << " ordinal " << message.ordinal.value;
        if (same) ++expected;
        return same;
      });
      EXPECT_EQ(record->messages.size(), queue.messages.size());
      compare(*record, queue.delayed);
    }
  }

  void compare_stream(QueueId id, const QueueRecord& record) {
    drop_aged(id, record);
    ASSERT_TRUE(record.stream);
    for (const auto& [tag, next] : model_.at(id).readers)
      EXPECT_EQ(record.stream->read_through(tag), next) << tag;
    EXPECT_EQ(record.stream->readers(), model_.at(id).readers.size());
    if (const auto first = record.messages.top().messages.first())
      EXPECT_LE(record.stream->first(), first->ordinal);
  }
  static Stamp retry_of(const QueueRecord& record, Ordinal ordinal) {
    auto it = record.retries.find(ordinal);
    return it == record.retries.end() ? Stamp() : it->second;
  }
  void compare(const QueueRecord& record,
               const std::map<std::pair<Stamp, MessageId>, ModelDelayed>& delayed) {
    EXPECT_EQ(record.delayed.size(), delayed.size());
    auto expected = delayed.begin();
    record.delayed.for_each([&](const DelayedMessage& message) {
      ASSERT_NE(expected, delayed.end());
      const auto& [key, known] = *expected++;
      EXPECT_EQ(std::pair(message.due, message.id), key);
      EXPECT_EQ(message.size, known.size);
      EXPECT_EQ(message.level, known.level);
      EXPECT_EQ(message.ttl_ms, known.ttl_ms);
    });
  }

  std::mt19937_64 random_;
  Machine machine_;
  std::unique_ptr<Machine> twin_;
  std::map<QueueId, ModelQueue> model_;
  std::set<QueueId> removed_;
  std::map<UploadKey, std::uint64_t> uploads_;  // octets so far
  std::map<DeadLetterNumber, std::pair<QueueId, DeadLetter>> letters_;
  DeadLetterNumber last_letter_;
  MessageId next_{EntryIndex(1), Slot(0)};
  std::uint64_t ready_ = 0;  // how many became ready
  Term term_;
  Stamp now_{1000};
  int step_ = 0;
};

TEST(MachineProperty, RestoringASnapshotAtAnyPointChangesNothing) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Comparison(seed).play(600);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace warren::queue
