#include "broker/catalog/queue_settings.h"
#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Exchanges : public CatalogTest {};

TEST_F(Exchanges, DeclareMakesOneAndAnEqualDeclareFindsIt) {
  EXPECT_TRUE(ok(exchange("x", "topic")).created);
  EXPECT_FALSE(ok(exchange("x", "topic")).created);
  EXPECT_EQ(catalog_.snapshot()->exchange("/", "x")->type, "topic");
  EXPECT_EQ(catalog_.snapshot()->exchange("/", "y"), nullptr);
}

TEST_F(Exchanges, PredeclaredOnesAreThere) {
  std::string list;
  catalog_.snapshot()->for_each_exchange([&](const ExchangeInfo& info) {
    EXPECT_TRUE(info.durable);
    list += info.name + "/" + info.type + (info.internal ? "/internal " : " ");
  });
  EXPECT_EQ(list,
            "/direct amq.direct/direct amq.fanout/fanout amq.headers/headers amq.match/headers "
            "amq.rabbitmq.trace/topic/internal amq.topic/topic ");
}

TEST_F(Exchanges, PredeclaredOnesMayBeDeclaredAlike) {
  DeclareExchange command = exchange("amq.topic", "topic");
  command.durable = true;
  EXPECT_FALSE(ok(command).created);
}

TEST_F(Exchanges, InequivalentDeclareNamesTheDifference) {
  DeclareExchange first = exchange("x", "direct");
  first.durable = true;
  ok(first);
  refused(exchange("x", "direct"), ReplyCode::precondition_failed,
          "inequivalent arg 'durable' for exchange 'x' in vhost '/': received 'false' but current "
          "is 'true'");
  DeclareExchange other = first;
  other.type = "fanout";
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but current is "
          "'direct'");
  other = first;
  other.auto_delete = true;
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'auto_delete' for exchange 'x' in vhost '/': received 'true' but "
          "current is 'false'");
  other = first;
  other.internal = true;
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'internal' for exchange 'x' in vhost '/': received 'true' but current "
          "is 'false'");
  other = first;
  other.arguments = {text("alternate-exchange", "ae")};
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': received the value "
          "'ae' of type 'longstr' but current is none");
  other.arguments = {text("x-anything", "else")};
  ok(other);
}

TEST_F(Exchanges, DeclareIsRefusedByNameAndType) {
  refused(exchange("x", "x-nonsense"), ReplyCode::precondition_failed,
          "unknown exchange type 'x-nonsense'");
  refused(exchange("amq.x", "direct"), ReplyCode::access_refused,
          "exchange name 'amq.x' contains reserved prefix 'amq.*'");
  refused(exchange("", "direct"), ReplyCode::access_refused,
          "operation not permitted on the default exchange");
  DeclareExchange command = exchange("x", "direct");
  command.arguments = {number("alternate-exchange", 1)};
  refused(command, ReplyCode::precondition_failed,
          "invalid type 'long' for arg 'alternate-exchange' in exchange 'x' in vhost '/'");
  command = exchange("x", "direct");
  command.vhost = "gone";
  refused(command, ReplyCode::not_found, "no vhost 'gone'");
}

TEST_F(Exchanges, HashedTypesCheckTheirArgumentsAndWeights) {
  DeclareExchange hash = exchange("h", "x-consistent-hash");
  hash.arguments = {text("hash-header", "a"), text("hash-property", "message_id")};
  refused(hash, ReplyCode::precondition_failed,
          "hash-header and hash-property are mutually exclusive");
  hash.type = "x-random";
  ok(hash);
  hash.name = "c";
  hash.type = "x-consistent-hash";
  hash.arguments = {text("hash-property", "message_id")};
  ok(hash);
  ok(queue("q"));
  refused(binding("c", "q", "weight"), ReplyCode::precondition_failed,
          "The binding key must be an integer greater than 0: 'weight'");
  ok(binding("c", "q", "2"));
  ok(binding("h", "q", "weight"));
}

TEST_F(Exchanges, ADelayedExchangeRoutesAsTheTypeThatItNames) {
  const auto named = [&](const char* name, const char* type) {
    DeclareExchange command = exchange(name, "x-delayed-message");
    command.arguments = {text("x-delayed-type", type)};
    return command;
  };
  for (const DeclareExchange& wrong : {exchange("d", "x-delayed-message"), named("d", "x-nonsense"),
                                       named("d", ""), named("d", "x-delayed-message")})
    refused(wrong, ReplyCode::precondition_failed,
            "Invalid argument, 'x-delayed-type' must be an existing exchange type");
  DeclareExchange no_text = exchange("d", "x-delayed-message");
  no_text.arguments = {number("x-delayed-type", 1)};
  refused(no_text, ReplyCode::precondition_failed,
          "Invalid argument, 'x-delayed-type' must be an existing exchange type");

  ok(named("by-topic", "topic"));
  ok(named("by-hash", "x-consistent-hash"));
  ok(queue("q"));
  ok(binding("by-topic", "q", "a.*"));
  refused(binding("by-hash", "q", "no weight"), ReplyCode::precondition_failed,
          "The binding key must be an integer greater than 0: 'no weight'");
  const auto restored = Catalog::restore(catalog_.snapshot_octets()).value().snapshot();
  for (const auto& snapshot : {catalog_.snapshot(), restored}) {
    std::vector<QueueId> found;
    EXPECT_EQ(snapshot->route("/", "by-topic", {"a.b"}, found), RouteResult::routed);
    EXPECT_EQ(found.size(), 1u);
    found.clear();
    EXPECT_EQ(snapshot->route("/", "by-topic", {"b.a"}, found), RouteResult::routed);
    EXPECT_TRUE(found.empty());
    EXPECT_EQ(snapshot->exchange("/", "by-topic")->type, "x-delayed-message");
  }
}

TEST_F(Exchanges, AHistoryIsAHiddenQueueOfItsLength) {
  ok(history("twenty"));
  const Outcome made = ok(history("three", {number("x-recent-history-length", 3)}));
  EXPECT_TRUE(made.created);
  EXPECT_FALSE(made.queue) << "no client's";
  EXPECT_FALSE(ok(history("three", {number("x-recent-history-length", 4)})).created)
      << "only the alternate exchange is compared";
  const auto restored = Catalog::restore(catalog_.snapshot_octets()).value();
  EXPECT_EQ(restored.snapshot_octets(), catalog_.snapshot_octets());
  for (const auto& snapshot : {catalog_.snapshot(), restored.snapshot()}) {
    const auto of = [&](const char* name) { return snapshot->exchange("/", name)->history; };
    EXPECT_EQ(of("three").value, made.index.value);
    EXPECT_FALSE(of("amq.fanout"));
    EXPECT_EQ(queue_settings(*snapshot->queue(of("twenty"))).stream->max_messages, 20u);
    EXPECT_EQ(queue_settings(*snapshot->queue(of("three"))).stream->max_messages, 3u);
    EXPECT_FALSE(is_local(snapshot->queue(of("three"))->group));
    EXPECT_EQ(snapshot->queue_count(), 0u);
    EXPECT_EQ(snapshot->queue("/", ""), nullptr);
    snapshot->for_each_queue([](const QueueInfo& info) { ADD_FAILURE() << info.id.value; });
  }
}

TEST_F(Exchanges, AHistoryIsRoutedToBesideItsBindings) {
  ok(history("h"));
  const QueueId q = ok(queue("q")).queue;
  const QueueId kept = catalog_.snapshot()->exchange("/", "h")->history;
  EXPECT_EQ(route("h", "any"), std::vector{kept});
  ok(binding("h", "q", "whatever"));
  EXPECT_EQ(route("h", "any"), (std::vector{kept, q})) << "by any key";
  EXPECT_EQ(route("", ""), std::vector<QueueId>()) << "it has no name";
  catalog_ = *Catalog::restore(catalog_.snapshot_octets());
  EXPECT_EQ(route("h", "any"), (std::vector{kept, q}));
}

TEST_F(Exchanges, AHistoryGoesWithItsExchange) {
  const auto gone = [&](Command command) {
    const Applied applied = give(std::move(command));
    return applied.effects.queues_gone;
  };
  const auto of = [&](const char* name, const char* vhost = "/") {
    const auto snapshot = catalog_.snapshot();
    const QueueId id = snapshot->exchange(vhost, name)->history;
    return std::vector{QueueGone{id, snapshot->queue(id)->group}};
  };
  const std::string before = state();
  ok(history("deleted"));
  auto expected = of("deleted");
  EXPECT_TRUE(gone(DeleteQueue{expected[0].queue}).empty()) << "nobody may delete it alone";
  EXPECT_EQ(gone(DeleteExchange{"/", "deleted"}), expected);
  EXPECT_EQ(catalog_.snapshot()->queue(expected[0].queue), nullptr);

  DeclareHistory temporary = history("temporary");
  temporary.auto_delete = true;
  const QueueId q = ok(queue("q")).queue;
  for (int way = 0; way < 2; ++way) {
    ok(temporary);
    ok(binding("temporary", "q"));
    expected = of("temporary");
    if (way == 0) {
      EXPECT_EQ(gone(unbinding(binding("temporary", "q"))), expected);
    } else {
      EXPECT_EQ(gone(DeleteQueue{q}).size(), 2u) << "the queue, and the history bound to it";
    }
    EXPECT_EQ(catalog_.snapshot()->queue(expected[0].queue), nullptr);
  }

  ok(PutVhost{"v", ""});
  DeclareHistory elsewhere = history("h");
  elsewhere.vhost = "v";
  ok(elsewhere);
  expected = of("h", "v");
  EXPECT_EQ(gone(DeleteVhost{"v"}), expected);
  EXPECT_EQ(state(), before);
}

TEST_F(Exchanges, AHistoryHasALengthThatThePluginTakes) {
  const auto wrong = [&](Argument length, const std::string& printed) {
    length.name = "x-recent-history-length";
    refused(
        history("h", {length}), ReplyCode::precondition_failed,
        "Invalid argument " + printed + ", 'x-recent-history-length' must be a positive integer");
  };
  wrong(number("", 0), "0");
  wrong(number("", -1), "-1");
  wrong(text("", "five"), "<<\"five\">>");
  wrong({"", "bool", "true"}, "true");
  wrong(number("", 5, "unsignedbyte"), "5");
  for (const char* type : {"byte", "short", "signedint", "long"})
    ok(history(type, {number("x-recent-history-length", 1, type)}));
}

// What an older build would have answered, so that a log of one is applied as it was.
TEST_F(Exchanges, AHistoryIsDeclaredByACommandOfItsOwnAlone) {
  refused(exchange("h", "x-recent-history"), ReplyCode::precondition_failed,
          "unknown exchange type 'x-recent-history'");
  DeclareHistory other = history("h");
  other.type = "fanout";
  refused(other, ReplyCode::precondition_failed, "unknown exchange type 'fanout'");
  DeclareExchange delayed = exchange("d", "x-delayed-message");
  delayed.arguments = {text("x-delayed-type", "x-recent-history")};
  refused(delayed, ReplyCode::precondition_failed,
          "Invalid argument, 'x-delayed-type' must be an existing exchange type");
  ok(history("h"));
  refused(exchange("h", "fanout"), ReplyCode::precondition_failed,
          "inequivalent arg 'type' for exchange 'h' in vhost '/': received 'fanout' but current is "
          "''x-recent-history''");
}

TEST_F(Exchanges, HashedBindingsRouteTheSameAfterASnapshot) {
  ok(exchange("x-consistent-hash", "x-consistent-hash"));
  ok(exchange("x-modulus-hash", "x-modulus-hash"));
  for (int i = 0; i < 20; ++i) {
    ok(queue("q" + std::to_string(i)));
    for (const char* source : {"x-consistent-hash", "x-modulus-hash"})
      ok(binding(source, "q" + std::to_string(i), std::to_string(1 + i % 3)));
  }
  ok(unbinding(binding("x-consistent-hash", "q3", "1")));
  const auto restored = Catalog::restore(catalog_.snapshot_octets()).value().snapshot();
  for (const char* source : {"x-consistent-hash", "x-modulus-hash"}) {
    for (int i = 0; i < 200; ++i) {
      const std::string key = std::to_string(i);
      std::vector<QueueId> out;
      restored->route("/", source, {key}, out);
      ASSERT_EQ(out.size(), 1u);
      EXPECT_EQ(out, route(source, key));
    }
  }
}

TEST_F(Exchanges, DeleteRemovesItWithItsBindings) {
  ok(exchange("x", "fanout"));
  ok(exchange("y", "fanout"));
  const QueueId q = ok(queue("q")).queue;
  ok(binding("x", "q"));
  ok(exchange_binding("y", "x"));
  ok(binding("y", "q"));
  ok(DeleteExchange{"/", "x", false});
  EXPECT_EQ(catalog_.snapshot()->exchange("/", "x"), nullptr);
  EXPECT_EQ(catalog_.snapshot()->binding_count(), 1u);
  EXPECT_EQ(route("y", ""), std::vector{q});
  ok(exchange("x", "fanout"));
  EXPECT_TRUE(route("x", "").empty());
}

TEST_F(Exchanges, DeleteOfAMissingOneSucceeds) {
  ok(DeleteExchange{"/", "none", true});
}

TEST_F(Exchanges, DeleteIsRefusedForPredeclaredAndUsedOnes) {
  refused(DeleteExchange{"/", "amq.direct", false}, ReplyCode::access_refused,
          "deletion of system exchange 'amq.direct' in vhost '/' not allowed");
  refused(DeleteExchange{"/", "", false}, ReplyCode::access_refused,
          "operation not permitted on the default exchange");
  ok(exchange("x", "direct"));
  ok(queue("q"));
  ok(binding("x", "q", "k"));
  refused(DeleteExchange{"/", "x", true}, ReplyCode::precondition_failed,
          "exchange 'x' in vhost '/' in use");
  ok(unbinding(binding("x", "q", "k")));
  ok(DeleteExchange{"/", "x", true});
}

TEST_F(Exchanges, AutoDeleteGoesWithItsLastBindingAsSource) {
  DeclareExchange command = exchange("x", "direct");
  command.auto_delete = true;
  ok(command);
  ok(queue("q"));
  ok(unbinding(binding("x", "q", "never")));
  ASSERT_NE(catalog_.snapshot()->exchange("/", "x"), nullptr) << "not before the first binding";
  ok(binding("x", "q", "a"));
  ok(binding("x", "q", "b"));
  ok(unbinding(binding("x", "q", "a")));
  ASSERT_NE(catalog_.snapshot()->exchange("/", "x"), nullptr);
  ok(unbinding(binding("x", "q", "b")));
  EXPECT_EQ(catalog_.snapshot()->exchange("/", "x"), nullptr);
}

TEST_F(Exchanges, AutoDeleteChainGoesWithTheQueueAtItsEnd) {
  const QueueId q = ok(queue("q")).queue;
  constexpr int length = 1000;
  for (int i = 0; i < length; ++i) {
    DeclareExchange command = exchange("x" + std::to_string(i), "fanout");
    command.auto_delete = true;
    ok(command);
    if (i > 0) ok(exchange_binding("x" + std::to_string(i), "x" + std::to_string(i - 1)));
  }
  ok(binding("x0", "q"));
  EXPECT_EQ(route("x" + std::to_string(length - 1), ""), std::vector{q});
  ok(DeleteQueue{q});
  EXPECT_EQ(catalog_.snapshot()->exchange_count(), 7u);
  EXPECT_EQ(catalog_.snapshot()->binding_count(), 0u);
}

TEST_F(Exchanges, AlternateTakesWhatDoesNotMatch) {
  DeclareExchange command = exchange("x", "direct");
  command.arguments = {text("alternate-exchange", "spare")};
  ok(command);
  ok(exchange("spare", "fanout"));
  const QueueId q = ok(queue("q")).queue;
  ok(binding("spare", "q"));
  EXPECT_EQ(route("x", "nobody"), std::vector{q});
}

TEST_F(Exchanges, TheDefaultExchangeIsNobodysAlternate) {
  DeclareExchange command = exchange("x", "direct");
  command.arguments = {text("alternate-exchange", "")};
  ok(command);
  ok(queue("q"));
  EXPECT_EQ(route("x", "q"), std::vector<QueueId>{});
}

TEST_F(Exchanges, PublishToInternalAndMissingOnesIsTold) {
  std::vector<QueueId> out;
  const auto snapshot = catalog_.snapshot();
  EXPECT_EQ(snapshot->route("/", "amq.rabbitmq.trace", {}, out), RouteResult::internal);
  EXPECT_EQ(snapshot->route("/", "none", {}, out), RouteResult::no_exchange);
}

}  // namespace
}  // namespace warren::catalog
