// Writes the corpus of those fuzzers whose input nobody would write by hand: fuzz_seeds CORPUS_DIR.
// To be run again when a format changes, or a codec learns something.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "broker/replica/catalog_state.h"
#include "broker/replica/outcome_codec.h"
#include "broker/replica/queue_state.h"
#include "broker/replica/stream_codec.h"
#include "raft/configuration.h"
#include "storage/keys.h"
#include "tests/fuzz/pieces.h"

using namespace warren;
using namespace warren::replica;

namespace {

using Seeds = std::map<std::string, std::string>;  // by file name

constexpr SessionId session{NodeId(1), Incarnation(4)};

queue::Publish publish_of(std::string_view key, std::string_view body,
                          std::initializer_list<QueueId> queues) {
  queue::Publish p;
  p.content.exchange = "amq.topic";
  p.content.routing_key = key;
  p.content.properties = std::string_view("\x10\x00\x02", 3);  // persistent
  p.content.body = body;
  p.queues.assign(queues);
  p.persistent = true;
  return p;
}

queue::Content octets_of(std::string_view body) {
  return {nullptr, {}, {}, {}, body};
}

// --- Queue groups.

std::vector<queue::ClientCommand> publishes() {
  std::vector<queue::ClientCommand> commands{publish_of("a", "first", {QueueId(7)}),
                                             publish_of("a", "", {QueueId(7), QueueId(8)})};
  auto all = publish_of("b", "third", {QueueId(8), QueueId(9), QueueId(10)});
  all.priority = 3;
  all.ttl_ms = 60'000;
  all.delay_ms = 5'000;
  all.duplicate = {1, 2};
  commands.emplace_back(all);
  return commands;
}

std::vector<queue::ClientCommand> large() {
  auto last = publish_of("key", "end", {QueueId(7)});
  last.upload = queue::UploadId(9);
  last.upload_octets = 6;
  return {queue::Part{{}, queue::UploadId(9), octets_of("one")},
          queue::Part{{}, queue::UploadId(9), octets_of("two")}, last,
          queue::DropUpload{{}, queue::UploadId(10)}};
}

std::vector<queue::ClientCommand> settles() {
  const queue::Held first{{EntryIndex(2), Slot(0)}, {Term(2), 5}};
  const queue::Held second{{EntryIndex(2), Slot(1)}, {Term(2), 6}};
  return {queue::Settle{{}, QueueId(7), queue::SettleKind::ack, {first}},
          queue::Settle{{}, QueueId(8), queue::SettleKind::requeue_reject, {second}},
          queue::Settle{{}, QueueId(7), queue::SettleKind::reject, {second}},
          queue::Purge{{}, QueueId(7)}, queue::Seal{{}, QueueId(8), true, true}};
}

std::string settings_octets(const queue::Settings& settings) {
  ByteWriter out;
  settings.encode(out);
  return out.take();
}

std::vector<QueueCreate> every_kind_of_queue() {
  queue::Settings plain, limited, stream, strict;
  limited.max_length = 1;
  limited.message_ttl_ms = 1'000;
  limited.delivery_limit = 1;
  limited.max_priority = 5;
  limited.dead_letters = queue::DeadLettering{"/", "limited", "dlx", "key", true};
  limited.retry = {queue::RetryKind::all, 100, 1'000, 2};
  limited.duplicates.keys = 10;
  stream.stream = queue::Retention{1'000, 60'000};
  strict.strict_priorities = true;
  strict.auto_delete = true;
  return {{QueueId(7), settings_octets(plain)},
          {QueueId(8), settings_octets(limited)},
          {QueueId(9), settings_octets(stream)},
          {QueueId(10), settings_octets(strict)}};
}

std::string entry_of(QueueEntry entry, std::uint64_t stamp, BatchNumber number = {},
                     const std::vector<queue::ClientCommand>& commands = {},
                     Verdicts verdicts = {}) {
  entry.stamp = Stamp(stamp);
  if (!commands.empty())
    entry.batches.push_back(
        {session, number, {}, std::move(verdicts), encode_batch(CatalogIndex(42), commands)});
  return *encode_entry(entry);
}

std::vector<std::string> life_of_a_group() {
  QueueEntry creates;
  creates.creates = every_kind_of_queue();
  creates.touches = {{session, QueueId(7)}, {session, QueueId(8)}};
  creates.consumed = {QueueId(10)};
  creates.marks = {{QueueId(7), queue::LevelNumber(0), Ordinal(64)}};
  QueueEntry marks;
  marks.marks = {{QueueId(8), queue::LevelNumber(3), Ordinal(8)}};
  marks.expels = {{QueueId(7), queue::DeathReason::maxlen, {{EntryIndex(2), Slot(1)}}},
                  {QueueId(8), queue::DeathReason::expired, {{EntryIndex(2), Slot(1)}}}};
  marks.read_through = {{QueueId(9), "billing", Ordinal(1)}};
  Verdicts verdicts;
  verdicts.refused = {1};
  verdicts.spared = {{{EntryIndex(3), Slot(2)}}};
  verdicts.sealed = {{false, 0}};
  QueueEntry end;
  end.dead_done = {{QueueId(8), queue::DeadLetterNumber(1)}};
  end.lapses = {{session, QueueId(8), {Term(2), 77}}};
  end.untouches = {{session, QueueId(7)}};
  end.ended = {session};
  end.removed = {{QueueId(8), CatalogIndex(70)}};
  end.forget_removed = CatalogIndex(80);
  return {entry_of(creates, 1'000, BatchNumber(1), publishes()),
          entry_of({}, 2'000, BatchNumber(2), large()),
          "",  // a new leader's first
          entry_of(marks, 9'000, BatchNumber(3), settles(), verdicts), entry_of(end, 70'000)};
}

std::string snapshot_after(const std::vector<std::string>& entries) {
  QueueState state;
  std::uint64_t index = 0;
  for (const std::string& entry : entries) {
    ++index;
    QueueApplied applied;
    if (entry.empty())
      state.apply_no_op(EntryIndex(index), Term(2));
    else
      state.apply(EntryIndex(index), Term(1), std::make_shared<const std::string>(entry), applied)
          .value();
  }
  std::vector<std::string> parts;
  for (const StatePart& part : state.parts())
    parts.push_back(*part.octets);
  return fuzz::as_pieces(parts);
}

Seeds batches() {
  return {{"publishes", std::string(encode_batch(CatalogIndex(1), publishes()).view())},
          {"large", std::string(encode_batch(CatalogIndex(1), large()).view())},
          {"settles", std::string(encode_batch(CatalogIndex(1), settles()).view())}};
}

Seeds entries() {
  const std::vector<std::string> life = life_of_a_group();
  Seeds seeds{{"life", fuzz::as_pieces(life)}};
  for (std::size_t i = 1; i < life.size(); ++i)
    seeds["first_" + std::to_string(i)] = fuzz::as_pieces({life.begin(), life.begin() + i});
  return seeds;
}

Seeds snapshots() {
  const std::vector<std::string> life = life_of_a_group();
  Seeds seeds;
  for (std::size_t i = 1; i <= life.size(); ++i)
    seeds["after_" + std::to_string(i)] = snapshot_after({life.begin(), life.begin() + i});
  return seeds;
}

// --- The catalog.

std::vector<catalog::Command> definitions() {
  catalog::Found found;
  found.cluster_id = 5;
  found.cluster_name = "c";
  found.queue_groups = 2;
  found.nodes = {{"a", NodeId(1), DiskId(8), "host:1"}, {"b", NodeId(2), DiskId(9), "host:2"}};
  catalog::DeclareExchange exchange{"/", "e", "topic", true};
  catalog::DeclareHistory history;
  static_cast<catalog::DeclareExchange&>(history) = {"/", "h", "x-recent-history", true};
  history.node = NodeId(1);
  catalog::DeclareQueue queue;
  queue.vhost = "/";
  queue.name = "q";
  queue.durable = true;
  queue.arguments = {{"x-max-length", "long", "5"}};
  queue.node = NodeId(1);
  catalog::DeclareQueue mine = queue;
  mine.name = "mine";
  mine.exclusive = true;
  mine.incarnation = Incarnation(1);
  mine.owner = 3;
  catalog::Bind bind;
  bind.vhost = "/";
  bind.source = "e";
  bind.destination = "q";
  bind.routing_key = "a.#";
  catalog::Bind between = bind;
  between.destination = "h";
  between.kind = catalog::DestinationKind::exchange;
  catalog::Unbind unbind;
  static_cast<catalog::Bind&>(unbind) = bind;
  return {found,
          catalog::PutVhost{"v", "d"},
          catalog::PutUser{"u", "hash", "sha256", {"tag"}},
          catalog::PutPermission{"v", "u", ".*", "^q", ""},
          catalog::RegisterNode{"a", NodeId(1), DiskId(8), "host:1"},
          exchange,
          history,
          queue,
          mine,
          bind,
          between,
          unbind,
          catalog::DeleteQueue{QueueId(8)},
          catalog::DeleteExchange{"/", "e", true},
          catalog::DeletePermission{"v", "u"},
          catalog::DeleteUser{"u"},
          catalog::DeleteVhost{"v"},
          catalog::NodeDead{NodeId(2), Incarnation(1)},
          catalog::ForgetNode{NodeId(2)}};
}

Seeds catalogs() {
  std::vector<std::string> log;
  CatalogState state;
  Seeds seeds;
  for (const catalog::Command& command : definitions()) {
    CatalogEntry entry;
    entry.stamp = Stamp(1'000);
    const std::uint64_t index = log.size() + 1;
    if (index % 4 == 0)
      entry.own.push_back(command);
    else
      entry.batches.push_back({session, BatchNumber(index - index / 4), {}, {command}});
    log.push_back(*encode_catalog_entry(entry));
    CatalogApplied applied;
    state.apply(EntryIndex(index), log.back(), applied).value();
    if (index == 5 || index == 11)
      seeds["snapshot_" + std::to_string(index)] =
          fuzz::as_pieces({"", *state.parts().at(0).octets});
  }
  seeds["life"] = fuzz::as_pieces(log);
  return seeds;
}

// --- Beside the log.

std::string chosen(char which, std::string_view octets) {
  return which + std::string(octets);
}

queue::Delivery delivery() {
  queue::Delivery d;
  d.consumer = ConsumerNumber(3);
  d.queue = QueueId(7);
  d.held = {{EntryIndex(2), Slot(1)}, {Term(2), 5}};
  d.entry_term = Term(1);
  d.redelivered = true;
  d.delivery_count = 2;
  d.offset = Ordinal(5);
  d.parts = {{{EntryIndex(2), Slot(0)}, 100}};
  d.content = publish_of("key", "body", {}).content;
  return d;
}

Seeds streams() {
  queue::Consumer consumer;
  consumer.number = ConsumerNumber(3);
  consumer.queue = QueueId(9);
  consumer.tag = "billing";
  consumer.reading = queue::StreamReading{queue::StreamPoint::offset, 5, true, {"a", "b"}, true};
  const queue::Held held{{EntryIndex(2), Slot(0)}, {Term(2), 5}};
  const std::vector<queue::Claim> claims{{consumer,
                                          QueueId(9),
                                          false,
                                          {held},
                                          queue::StreamClaim{Ordinal(5), 1, 2, Ordinal(4), true}}};
  const queue::ClaimReply claim_reply{
      {{held.message, held.checkout, {Term(3), 1}}}, {held}, {ConsumerNumber(2)}};
  const Error error{ReplyCode::not_found, "no queue"};
  Seeds seeds{{"claims", chosen(0, encode_claims(claims).view())},
              {"claim_reply", chosen(1, encode_claim_reply(claim_reply).view())}};
  const std::vector<StreamRequest> requests{ConsumeRequest{CatalogIndex(4), consumer},
                                            CancelRequest{ConsumerNumber(3)},
                                            FetchRequest{CatalogIndex(4), {{}, QueueId(7), true}},
                                            CountsRequest{CatalogIndex(4), QueueId(7)},
                                            PartRequest{{EntryIndex(2), Slot(1)}},
                                            TakenRequest{ConsumerNumber(3), 9},
                                            PrefetchRequest{ConsumerNumber(3), 10},
                                            ReadRequest{ConsumerNumber(3), 4, Ordinal(4), consumer},
                                            BrowseRequest{CatalogIndex(4), QueueId(9), Ordinal(1)}};
  for (const StreamRequest& request : requests)
    seeds["request_" + std::to_string(request.index())] = chosen(2, encode_request(request).view());
  const std::vector<StreamReply> replies{
      queue::ConsumeReply{ConsumerNumber(3), error, Ordinal(4)},
      CancelReply{},
      queue::GetReply{{}, delivery(), 3, std::nullopt},
      CountsReply{{QueueId(7), 1, 2, 3, 4, 5}, {}},
      PartReply{Bytes::copy_of("part")},
      BrowseReply{{{delivery()}, Ordinal(2), Ordinal(3)}, std::nullopt}};
  for (const StreamReply& reply : replies)
    seeds["reply_" + std::to_string(reply.index())] = chosen(3, encode_reply(reply).view());
  seeds["deliveries"] = chosen(4, encode_event(Deliveries{{delivery(), delivery()}}).view());
  seeds["cancelled"] = chosen(4, encode_event(queue::ConsumerCancelled{ConsumerNumber(3)}).view());
  const std::vector<queue::Outcome> outcomes{
      {}, {}, {queue::OutcomeCode::rejected, 0}, {queue::OutcomeCode::ok, 9}};
  seeds["outcomes"] = chosen(5, chosen(4, encode_outcomes(outcomes)));
  return seeds;
}

Seeds records() {
  raft::MemberId member;
  member.node = decltype(member.node)(1);
  raft::Configuration configuration;
  configuration.voters = {member};
  return {{"member", chosen(0, storage::encode(member))},
          {"hard_state", chosen(1, storage::encode(raft::HardState{}))},
          {"log_start", chosen(2, storage::encode(storage::LogStart{}))},
          {"snapshot", chosen(3, storage::encode(storage::SnapshotRecord{}))},
          {"installed", chosen(4, storage::encode(std::vector{storage::InstalledRange{}}))},
          {"begun", chosen(5, storage::encode(storage::Begun{}))},
          {"clock", chosen(6, storage::encode(storage::ClockRecord{"boot", 5, 6}))},
          {"configuration", chosen(7, raft::encode_configuration(configuration))}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds CORPUS_DIR\n";
    return 64;
  }
  const std::map<std::string, Seeds> corpus{
      {"replica_batches", batches()},     {"replica_entries", entries()},
      {"replica_snapshots", snapshots()}, {"replica_catalog", catalogs()},
      {"replica_streams", streams()},     {"storage_records", records()}};
  for (const auto& [fuzzer, seeds] : corpus) {
    const std::filesystem::path folder = std::filesystem::path(argv[1]) / fuzzer;
    std::filesystem::create_directories(folder);
    for (const auto& [name, octets] : seeds)
      std::ofstream(folder / name, std::ios::binary) << octets;
  }
}
