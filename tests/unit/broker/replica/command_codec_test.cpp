#include "broker/replica/command_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "broker/replica/outcome_codec.h"

namespace warren::replica {
namespace {

using namespace queue;

Publish publish_of(std::string_view key, std::string_view body, std::uint64_t queue) {
  Publish p;
  p.content.exchange = "amq.topic";
  p.content.routing_key = key;
  p.content.properties = "properties";
  p.content.body = body;
  p.queues.push_back(QueueId(queue));
  p.persistent = true;
  return p;
}

std::vector<ClientCommand> sample() {
  std::vector<ClientCommand> commands;
  commands.push_back(publish_of("a", "first", 7));
  commands.push_back(publish_of("a", "", 7));
  Publish with_ttl = publish_of("b", "third", 8);
  with_ttl.ttl_ms = 60'000;
  with_ttl.priority = 3;
  with_ttl.queues.push_back(QueueId(9));
  commands.push_back(with_ttl);
  Settle settle;
  settle.queue = QueueId(7);
  settle.kind = SettleKind::requeue_reject;
  settle.messages = {{{EntryIndex(9), Slot(1)}, {Term(2), 5}},
                     {{EntryIndex(3), Slot(0)}, {Term(1), 900}}};
  commands.push_back(settle);
  commands.push_back(Purge{{}, QueueId(7)});
  commands.push_back(Seal{{}, QueueId(8), true, false});
  commands.push_back(publish_of("a", "last", 7));
  return commands;
}

std::vector<ClientCommand> delayed_sample() {
  std::vector<ClientCommand> commands = sample();
  for (std::size_t i : {0, 6})
    std::get<Publish>(commands[i]).delay_ms = 5000 + i;
  return commands;
}

TEST(CommandCodec, BatchComesBackAsItWas) {
  auto batch = decode_batch(encode_batch(CatalogIndex(42), sample()));
  ASSERT_TRUE(batch) << batch.error().text;
  EXPECT_EQ(batch->catalog_index, CatalogIndex(42));
  ASSERT_EQ(batch->commands.size(), 7u);
  const auto& third = std::get<Publish>(batch->commands[2]);
  EXPECT_EQ(third.content.body, "third");
  EXPECT_EQ(third.content.routing_key, "b");
  EXPECT_EQ(third.content.exchange, "amq.topic");
  EXPECT_EQ(third.content.properties, "properties");
  EXPECT_EQ(third.queues.size(), 2u);
  EXPECT_EQ(third.ttl_ms, 60'000u);
  EXPECT_EQ(third.priority, 3);
  const auto& settle = std::get<Settle>(batch->commands[3]);
  EXPECT_EQ(settle.kind, SettleKind::requeue_reject);
  EXPECT_EQ(settle.messages, std::get<Settle>(sample()[3]).messages);
  EXPECT_TRUE(std::get<Seal>(batch->commands[5]).if_unused);
  EXPECT_EQ(std::get<Publish>(batch->commands[6]).content.body, "last");
}

TEST(CommandCodec, APriorityOfZeroIsNotNone) {
  std::vector<ClientCommand> commands;
  for (std::optional<std::uint8_t> priority :
       {std::optional<std::uint8_t>(), std::optional<std::uint8_t>(0),
        std::optional<std::uint8_t>(4), std::optional<std::uint8_t>(255)}) {
    Publish p = publish_of("a", "body", 7);
    p.priority = priority;
    commands.push_back(p);
  }
  const Bytes octets = encode_batch(CatalogIndex(1), commands);
  EXPECT_EQ(version_of_batch(octets), 1u) << "older nodes pass over it";
  auto batch = decode_batch(octets);
  ASSERT_TRUE(batch) << batch.error().text;
  for (std::size_t i = 0; i < commands.size(); ++i)
    EXPECT_EQ(std::get<Publish>(batch->commands[i]).priority,
              std::get<Publish>(commands[i]).priority);
}

TEST(CommandCodec, DelaysAreOfTheirPublishes) {
  auto batch = decode_batch(encode_batch(CatalogIndex(42), delayed_sample()));
  ASSERT_TRUE(batch) << batch.error().text;
  std::vector<std::uint64_t> delays;
  for (std::size_t i : {0, 1, 2, 6})
    delays.push_back(std::get<Publish>(batch->commands[i]).delay_ms);
  EXPECT_EQ(delays, (std::vector<std::uint64_t>{5000, 0, 0, 5006}));
  EXPECT_EQ(std::get<Purge>(batch->commands[4]).queue, QueueId(7));
}

TEST(CommandCodec, KeysOfDuplicatesAreOfTheirPublishes) {
  std::vector<ClientCommand> commands = delayed_sample();
  std::get<Publish>(commands[1]).duplicate = {~0ull, 1};
  std::get<Publish>(commands[6]).duplicate = {0, 2};
  const Bytes blob = encode_batch(CatalogIndex(42), commands);
  EXPECT_EQ(blob.view()[5], 4) << "the version";
  auto batch = decode_batch(blob);
  ASSERT_TRUE(batch) << batch.error().text;
  EXPECT_FALSE(std::get<Publish>(batch->commands[0]).duplicate);
  EXPECT_EQ(std::get<Publish>(batch->commands[1]).duplicate, (DuplicateKey{~0ull, 1}));
  EXPECT_EQ(std::get<Publish>(batch->commands[6]).duplicate, (DuplicateKey{0, 2}));
  EXPECT_EQ(std::get<Publish>(batch->commands[6]).delay_ms, 5006u);
}

TEST(CommandCodec, RepeatedEnvelopesCostAFewOctets) {
  std::vector<ClientCommand> commands;
  for (int i = 0; i < 1000; ++i)
    commands.push_back(publish_of("some.long.routing.key", "", 7));
  EXPECT_LT(encode_batch(CatalogIndex(1), commands).size(), 3200u);
}

QueueEntry sample_entry() {
  QueueEntry entry;
  entry.stamp = Stamp(123456);
  entry.creates = {{QueueId(7), "settings"}};
  entry.touches = {{{NodeId(1), Incarnation(4)}, QueueId(7)}};
  entry.consumed = {QueueId(8), QueueId(9)};
  entry.marks = {{QueueId(7), queue::LevelNumber(3), Ordinal(64)}};
  entry.dead_done = {{QueueId(7), queue::DeadLetterNumber(40)},
                     {QueueId(3), queue::DeadLetterNumber(2)}};
  entry.read_through = {{QueueId(7), "billing", Ordinal(12)}, {QueueId(9), "", Ordinal(0)}};
  entry.expels = {{QueueId(7), queue::DeathReason::maxlen, {{EntryIndex(9), Slot(2)}}},
                  {QueueId(8),
                   queue::DeathReason::expired,
                   {{EntryIndex(5), Slot(0)}, {EntryIndex(5), Slot(7)}}}};
  entry.lapses = {{{NodeId(2), Incarnation(4)}, QueueId(8), {Term(3), 77}}};
  entry.ended = {{NodeId(2), Incarnation(3)}};
  entry.removed = {{QueueId(5), CatalogIndex(70)}};
  EntryBatch batch;
  batch.session = {NodeId(1), Incarnation(4)};
  batch.number = BatchNumber(17);
  batch.released = BatchNumber(12);
  batch.verdicts.refused = {0, 1, 5};
  batch.verdicts.full = {2, 3, 4};
  batch.verdicts.spared = {{{EntryIndex(1), Slot(1)}, {EntryIndex(2), Slot(0)}}};
  batch.verdicts.sealed = {{true, 3}};
  batch.blob = encode_batch(CatalogIndex(42), sample());
  entry.batches.push_back(batch);
  batch.number = BatchNumber(18);
  entry.batches.push_back(batch);
  return entry;
}

TEST(CommandCodec, EntryComesBackAsItWas) {
  QueueEntry before = sample_entry();
  auto after = decode_entry(encode_entry(before));
  ASSERT_TRUE(after) << after.error().text;
  EXPECT_EQ(after->stamp, before.stamp);
  EXPECT_EQ(after->creates, before.creates);
  EXPECT_EQ(after->touches, before.touches);
  EXPECT_EQ(after->consumed, before.consumed);
  EXPECT_EQ(after->marks, before.marks);
  EXPECT_EQ(after->lapses, before.lapses);
  EXPECT_EQ(after->expels, before.expels);
  EXPECT_EQ(after->dead_done, before.dead_done);
  EXPECT_EQ(after->read_through, before.read_through);
  EXPECT_EQ(after->ended, before.ended);
  EXPECT_EQ(after->removed, before.removed);
  ASSERT_EQ(after->batches.size(), 2u);
  EXPECT_EQ(after->batches[0].session, before.batches[0].session);
  EXPECT_EQ(after->batches[1].number, BatchNumber(18));
  EXPECT_EQ(after->batches[0].released, BatchNumber(12));
  EXPECT_EQ(after->batches[0].verdicts, before.batches[0].verdicts);
  EXPECT_EQ(after->batches[1].blob, before.batches[1].blob);
}

TEST(CommandCodec, SlotsCountPublishesOverAllBatches) {
  auto data = encode_entry(sample_entry());
  auto contents = decode_contents(data);
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->messages.size(), 8u);
  EXPECT_EQ(contents->messages[3].body, "last");
  EXPECT_EQ(contents->messages[4].body, "first");
  EXPECT_FALSE(contents->only_parts);
}

TEST(CommandCodec, EveryCutAndMostFlipsAreErrorsNeverCrashes) {
  auto data = encode_entry(sample_entry());
  for (std::size_t n = 0; n < data->size(); ++n)
    EXPECT_FALSE(decode_entry(std::make_shared<const std::string>(data->substr(0, n))));
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bent = *data;
    for (int flips = 0; flips < 3; ++flips)
      bent[random() % bent.size()] ^= static_cast<char>(1u << (random() % 8));
    (void)decode_contents(std::make_shared<const std::string>(bent));
  }
}

std::vector<ClientCommand> large_sample() {
  std::vector<ClientCommand> commands;
  commands.push_back(Part{{}, UploadId(9), {nullptr, {}, {}, {}, "one"}});
  commands.push_back(publish_of("key", "small", 7));
  commands.push_back(Part{{}, UploadId(9), {nullptr, {}, {}, {}, "two"}});
  Publish last = publish_of("key", "end", 7);
  last.upload = UploadId(9);
  last.upload_octets = 6;
  commands.push_back(last);
  commands.push_back(DropUpload{{}, UploadId(10)});
  return commands;
}

TEST(CommandCodec, PartsComeBackAsTheyWere) {
  Bytes blob = encode_batch(CatalogIndex(1), large_sample());
  auto batch = decode_batch(blob);
  ASSERT_TRUE(batch) << batch.error().text;
  ASSERT_EQ(batch->commands.size(), 5u);
  EXPECT_EQ(std::get<Part>(batch->commands[0]).octets.body, "one");
  EXPECT_EQ(std::get<Part>(batch->commands[2]).upload, UploadId(9));
  EXPECT_EQ(std::get<Part>(batch->commands[2]).octets.body, "two");
  const auto& small = std::get<Publish>(batch->commands[1]);
  EXPECT_EQ(small.content.body, "small");
  EXPECT_FALSE(small.upload);
  const auto& last = std::get<Publish>(batch->commands[3]);
  EXPECT_EQ(last.content.body, "end");
  EXPECT_EQ(last.upload, UploadId(9));
  EXPECT_EQ(last.upload_octets, 6u);
  EXPECT_EQ(std::get<DropUpload>(batch->commands[4]).upload, UploadId(10));
}

TEST(CommandCodec, EachBatchIsOfTheLowestVersionThatSaysItAll) {
  auto version = [](const Bytes& blob) { return blob.view()[5]; };  // length u32, tag, varint
  EXPECT_EQ(version(encode_batch(CatalogIndex(1), sample())), 1);
  EXPECT_EQ(version(encode_batch(CatalogIndex(1), large_sample())), 2);
  EXPECT_EQ(version(encode_batch(CatalogIndex(1), delayed_sample())), 3);
  std::vector<ClientCommand> both = large_sample();
  std::get<Publish>(both[1]).delay_ms = 1;
  EXPECT_EQ(version(encode_batch(CatalogIndex(1), both)), 3);
}

TEST(CommandCodec, EachEntryIsOfTheLowestVersionThatSaysItAll) {
  auto version = [](const queue::Settings& settings) {
    ByteWriter out;
    settings.encode(out);
    QueueEntry entry;
    entry.creates.push_back({QueueId(7), out.take()});
    const auto octets = encode_entry(entry);
    EXPECT_TRUE(decode_entry(octets));
    return (*octets)[5];
  };
  queue::Settings settings;
  EXPECT_EQ(version(settings), 1);
  settings.max_length = 1;
  EXPECT_EQ(version(settings), 2);
  settings.dead_letters = queue::DeadLettering{"/", "q", "dlx", std::nullopt, false};
  EXPECT_EQ(version(settings), 3);
  settings.retry = {queue::RetryKind::all, 100, {}, 0};
  EXPECT_EQ(version(settings), 4);
  settings = {};
  settings.duplicates.keys = 1;
  EXPECT_EQ(version(settings), 4);
  settings = {};
  settings.stream = queue::Retention{1000, 60'000};
  EXPECT_EQ(version(settings), 5);
  settings = {};
  settings.strict_priorities = true;
  EXPECT_EQ(version(settings), 6);
}

// An older build would record such a batch as malformed, where others apply it.
TEST(CommandCodec, AnEntryWithADelayIsOneThatOlderBuildsRefuse) {
  auto version = [](const std::vector<ClientCommand>& commands) {
    QueueEntry entry;
    for (const auto& batch : {sample(), commands})
      entry.batches.push_back({{NodeId(1), Incarnation(4)},
                               BatchNumber(1 + entry.batches.size()),
                               BatchNumber(),
                               {},
                               encode_batch(CatalogIndex(42), batch)});
    const auto octets = encode_entry(entry);
    EXPECT_TRUE(decode_entry(octets));
    return octets->at(5);  // length u32, tag, varint
  };
  EXPECT_EQ(version(sample()), 1);
  EXPECT_EQ(version(large_sample()), 1);
  EXPECT_EQ(version(delayed_sample()), 3);
}

TEST(CommandCodec, ABatchThatNobodyHereReadsLeavesItsEntryReadable) {
  std::string octets(encode_batch(CatalogIndex(42), sample()).view());
  octets[5] = 100;  // the version
  QueueEntry entry;
  entry.batches.push_back(
      {{NodeId(1), Incarnation(4)}, BatchNumber(1), BatchNumber(), {}, Bytes(octets)});
  EXPECT_TRUE(decode_entry(encode_entry(entry)));
}

TEST(CommandCodec, SlotsCountPartsAsWell) {
  QueueEntry entry;
  EntryBatch batch;
  batch.session = {NodeId(1), Incarnation(4)};
  batch.number = BatchNumber(1);
  batch.blob = encode_batch(CatalogIndex(42), large_sample());
  entry.batches.push_back(batch);
  auto contents = decode_contents(encode_entry(entry));
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->messages.size(), 4u);
  EXPECT_EQ(contents->messages[2].body, "two");
  EXPECT_FALSE(contents->only_parts);
  const std::vector<ClientCommand> all = large_sample();
  entry.batches[0].blob = encode_batch(CatalogIndex(42), std::span(all).first(1));
  EXPECT_TRUE(decode_contents(encode_entry(entry))->only_parts);
}

TEST(CommandCodec, BentPartsAreErrorsNeverCrashes) {
  Bytes blob = encode_batch(CatalogIndex(1), large_sample());
  for (std::size_t n = 0; n < blob.size(); ++n)
    EXPECT_FALSE(decode_batch(Bytes::copy_of(blob.view().substr(0, n))));
  std::mt19937 random(2);
  for (int i = 0; i < 20'000; ++i) {
    std::string bent(blob.view());
    for (int flips = 0; flips < 3; ++flips)
      bent[random() % bent.size()] ^= static_cast<char>(1u << (random() % 8));
    (void)decode_batch(Bytes(bent));
  }
}

TEST(OutcomeCodec, AlikeOutcomesAreOneRun) {
  std::vector<Outcome> outcomes(1000);
  outcomes[500] = {OutcomeCode::rejected, 0};
  std::string octets = encode_outcomes(outcomes);
  EXPECT_LT(octets.size(), 16u);
  EXPECT_EQ(decode_outcomes(octets, 1000), outcomes);
  EXPECT_FALSE(decode_outcomes(octets, 999));
  EXPECT_FALSE(decode_outcomes(octets, 1001));
  EXPECT_FALSE(decode_outcomes("\x05", 5));
}

}  // namespace
}  // namespace warren::replica
