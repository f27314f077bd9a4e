#include "broker/catalog/placement.h"
#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Queues : public CatalogTest {
 protected:
  static std::string locked(const std::string& name) {
    return "cannot obtain exclusive access to locked queue '" + name +
           "' in vhost '/'. It could be originally declared on another connection or the exclusive "
           "property value does not match that of the original declaration.";
  }
  void invalid(Argument argument, const std::string& why) {
    DeclareQueue command = queue("q");
    const std::string name = argument.name;
    command.arguments = {std::move(argument)};
    refused(command, ReplyCode::precondition_failed,
            "invalid arg '" + name + "' for queue 'q' in vhost '/': " + why);
  }
};

TEST_F(Queues, IdIsTheIndexThatCreatedIt) {
  const Outcome created = ok(queue("q"));
  EXPECT_TRUE(created.created);
  EXPECT_EQ(created.queue, QueueId(created.index.value));
  const Outcome found = ok(queue("q"));
  EXPECT_FALSE(found.created);
  EXPECT_EQ(found.queue, created.queue);
  const auto snapshot = catalog_.snapshot();
  EXPECT_EQ(snapshot->queue("/", "q"), snapshot->queue(created.queue));
  EXPECT_EQ(snapshot->queue("/", "q")->name, "q");
}

TEST_F(Queues, InequivalentFlagsAreNamed) {
  ok(queue("q"));
  DeclareQueue other = queue("q");
  other.durable = false;
  other.auto_delete = true;
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is "
          "'true'");
  other.durable = true;
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'auto_delete' for queue 'q' in vhost '/': received 'true' but current "
          "is 'false'");
}

TEST_F(Queues, InequivalentArgumentsAreNamedWithTheirTypes) {
  ok(queue("q"));
  DeclareQueue other = queue("q");
  other.arguments = {number("x-message-ttl", 2)};
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '2' of "
          "type 'long' but current is none");
  DeclareQueue first = queue("p");
  first.arguments = {number("x-max-length", 10, "signedint")};
  ok(first);
  refused(queue("p"), ReplyCode::precondition_failed,
          "inequivalent arg 'x-max-length' for queue 'p' in vhost '/': received none but current "
          "is the value '10' of type 'signedint'");
  other = queue("p");
  other.arguments = {number("x-max-length", 11)};
  refused(other, ReplyCode::precondition_failed,
          "inequivalent arg 'x-max-length' for queue 'p' in vhost '/': received '11' but current "
          "is '10'");
  other.arguments = {number("x-max-length", 10, "byte")};
  EXPECT_FALSE(ok(other).created) << "integers of all widths compare";
}

TEST_F(Queues, UnknownArgumentsAreStoredAndNotCompared) {
  DeclareQueue first = queue("q");
  first.arguments = {text("x-colour", "red")};
  first.arguments_octets = "octets";
  ok(first);
  ok(queue("q"));
  EXPECT_EQ(catalog_.snapshot()->queue("/", "q")->arguments, first.arguments);
  EXPECT_EQ(catalog_.snapshot()->queue("/", "q")->arguments_octets, "octets");
}

TEST_F(Queues, AbsentQueueTypeIsClassic) {
  DeclareQueue classic = queue("q"), quorum = queue("q");
  classic.arguments = {text("x-queue-type", "classic")};
  quorum.arguments = {text("x-queue-type", "quorum")};
  ok(queue("q"));
  ok(classic);
  refused(quorum, ReplyCode::precondition_failed,
          "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum' "
          "of type 'longstr' but current is none");
  quorum.name = classic.name = "p";
  ok(quorum);
  ok(quorum);
  refused(classic, ReplyCode::precondition_failed,
          "inequivalent arg 'x-queue-type' for queue 'p' in vhost '/': received 'classic' but "
          "current is 'quorum'");
  refused(queue("p"), ReplyCode::precondition_failed,
          "inequivalent arg 'x-queue-type' for queue 'p' in vhost '/': received none but current "
          "is the value 'quorum' of type 'longstr'");
}

TEST_F(Queues, ArgumentsAreValidated) {
  invalid(number("x-expires", 0), "{value_zero,0}");
  invalid(number("x-expires", -1), "{value_negative,-1}");
  invalid(text("x-expires", "10"), "\"expected integer, got longstr\"");
  invalid(number("x-expires", 315'360'000'001), "{value_too_large,315360000001}");
  invalid(number("x-message-ttl", -5), "{value_negative,-5}");
  invalid(text("x-max-length", "1"), "\"expected integer, got longstr\"");
  invalid(number("x-max-length-bytes", -1), "{value_negative,-1}");
  invalid(number("x-max-priority", 256), "{max_value_exceeded,256}");
  invalid(text("x-overflow", "explode"), "invalid_overflow");
  invalid(text("x-queue-mode", "eager"), "\"unsupported queue mode 'eager'\"");
  invalid(text("x-dead-letter-strategy", "never"), "invalid_dlx_strategy");
  invalid(text("x-queue-leader-locator", "moon"), "invalid_queue_locator_arg");
  invalid(text("x-queue-type", "log"), "\"unsupported queue type 'log'\"");
  invalid(text("x-single-active-consumer", "yes"), "{unacceptable_type,longstr}");
  invalid(number("x-queue-type", 1), "{unacceptable_type,long}");
  invalid(number("x-queue-version", 3), "\"unsupported queue version '3'\"");
  invalid(number("x-queue-version", -3), "{value_negative,-3}");
  invalid(text("x-dead-letter-routing-key", "k"), "routing_key_but_no_dlx_defined");
}

TEST_F(Queues, ValidArgumentsAreAccepted) {
  DeclareQueue command = queue("q");
  command.arguments = {number("x-expires", 1),
                       number("x-message-ttl", 0),
                       text("x-dead-letter-exchange", ""),
                       text("x-dead-letter-routing-key", "k"),
                       number("x-delivery-limit", -1),
                       number("x-max-priority", 255),
                       text("x-overflow", "reject-publish-dlx"),
                       {"x-single-active-consumer", "bool", "true"},
                       text("x-queue-type", "quorum")};
  ok(command);
}

TEST_F(Queues, ADeadLetterExchangeIsAName) {
  DeclareQueue command = queue("q");
  command.arguments = {number("x-dead-letter-exchange", 1)};
  refused(command, ReplyCode::precondition_failed,
          "invalid type 'long' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'");
}

TEST_F(Queues, ArgumentThatOnlyStreamsKnowIsRefused) {
  DeclareQueue command = queue("q");
  command.arguments = {text("x-max-age", "1D"), text("x-queue-type", "quorum")};
  refused(command, ReplyCode::precondition_failed,
          "invalid arg 'x-max-age' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue");
}

DeclareQueue stream(std::string name, Arguments arguments = {}) {
  DeclareQueue command = queue(std::move(name));
  command.arguments = std::move(arguments);
  command.arguments.push_back(text("x-queue-type", "stream"));
  return command;
}

TEST_F(Queues, AStreamLivesInAReplicatedGroup) {
  ok(stream("s", {number("x-max-length-bytes", 20'000'000),
                  text("x-max-age", "7D"),
                  number("x-stream-max-segment-size-bytes", 3'000'000'000),
                  number("x-stream-filter-size-bytes", 16),
                  number("x-initial-cluster-size", 3),
                  text("x-queue-leader-locator", "balanced"),
                  {"x-single-active-consumer", "bool", "true"}}));
  EXPECT_FALSE(is_local(catalog_.snapshot()->queue("/", "s")->group));
}

TEST_F(Queues, ArgumentsOfAStreamAreValidated) {
  const auto fault = [&](Argument argument, const std::string& why) {
    refused(stream("s", {argument}), ReplyCode::precondition_failed,
            "invalid arg '" + argument.name + "' for queue 's' in vhost '/': " + why);
  };
  fault(text("x-max-age", "7"), "invalid_max_age");
  fault(text("x-max-age", "0D"), "invalid_max_age");
  fault(text("x-max-age", "7d"), "invalid_max_age");
  fault(number("x-max-age", 7), "{unacceptable_type,long}");
  fault(number("x-max-length-bytes", -1), "{value_negative,-1}");
  fault(number("x-stream-max-segment-size-bytes", -1), "{value_negative,-1}");
  fault(text("x-stream-filter-size-bytes", "16"), "\"expected integer, got longstr\"");
  fault(number("x-initial-cluster-size", 0), "{value_zero,0}");
  fault(text("x-queue-leader-locator", "moon"), "invalid_queue_locator_arg");
  fault(text("x-single-active-consumer", "yes"), "{unacceptable_type,longstr}");
  refused(stream("s", {number("x-stream-max-segment-size-bytes", 3'000'000'001)}),
          ReplyCode::precondition_failed, "Exceeded max value for x-stream-max-segment-size-bytes");
  for (long size : {15, 256})
    refused(stream("s", {number("x-stream-filter-size-bytes", size)}),
            ReplyCode::precondition_failed, "Invalid value for x-stream-filter-size-bytes");
}

TEST_F(Queues, WhatOnlyQueuesKnowIsRefusedOnAStream) {
  for (const Argument& argument :
       {number("x-message-ttl", 5), number("x-expires", 5), number("x-max-length", 5),
        text("x-dead-letter-exchange", ""), text("x-overflow", "drop-head"),
        number("x-max-priority", 5), number("x-delivery-limit", 5), text("x-queue-mode", "lazy")})
    refused(stream("s", {argument}), ReplyCode::precondition_failed,
            "invalid arg '" + argument.name +
                "' for queue 's' in vhost '/' of queue type rabbit_stream_queue");
  ok(stream("s", {text("x-of-nobody", "kept")}));
}

TEST_F(Queues, AStreamIsDurableAndEverybodysAndStays) {
  DeclareQueue exclusive = stream("s"), transient = stream("s"), auto_delete = stream("s");
  exclusive.exclusive = true;
  transient.durable = false;
  auto_delete.auto_delete = true;
  const std::string resource = " for queue 's' in vhost '/'";
  refused(exclusive, ReplyCode::precondition_failed,
          "invalid property 'exclusive-owner'" + resource);
  refused(transient, ReplyCode::precondition_failed, "invalid property 'non-durable'" + resource);
  refused(auto_delete, ReplyCode::precondition_failed, "invalid property 'auto-delete'" + resource);
}

TEST_F(Queues, AStreamIsComparedByWhatStreamsKnow) {
  ok(stream("s", {text("x-max-age", "1D")}));
  ok(stream("s", {text("x-max-age", "1D"), number("x-max-length", 5)}));
  refused(stream("s", {text("x-max-age", "2D")}), ReplyCode::precondition_failed,
          "inequivalent arg 'x-max-age' for queue 's' in vhost '/': received '2D' but current is "
          "'1D'");
  refused(queue("s"), ReplyCode::precondition_failed,
          "inequivalent arg 'x-queue-type' for queue 's' in vhost '/': received none but current "
          "is the value 'stream' of type 'longstr'");
  ok(queue("q"));
  refused(stream("q"), ReplyCode::precondition_failed,
          "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'stream' "
          "of type 'longstr' but current is none");
}

TEST_F(Queues, ReservedNamesAreRefusedButTheServersOwn) {
  refused(queue("amq.mine"), ReplyCode::access_refused,
          "queue name 'amq.mine' contains reserved prefix 'amq.*'");
  ok(queue("amq.gen-AAAAAAAAAAAAAAAAAAAAAA"));
}

TEST_F(Queues, VhostMustExist) {
  DeclareQueue command = queue("q");
  command.vhost = "gone";
  refused(command, ReplyCode::not_found, "no vhost 'gone'");
}

TEST_F(Queues, ExclusiveIsItsOwnersAlone) {
  const Incarnation one = start(1);
  const Incarnation two = start(2);
  const DeclareQueue mine = exclusive("q", one, 5);
  ok(mine);
  EXPECT_FALSE(ok(mine).created);
  DeclareQueue other = exclusive("q", one, 6);
  refused(other, ReplyCode::resource_locked, locked("q"));
  other = exclusive("q", two, 5);
  other.node = NodeId(2);
  refused(other, ReplyCode::resource_locked, locked("q"));
  other = mine;
  other.exclusive = false;
  other.auto_delete = true;
  refused(other, ReplyCode::resource_locked, locked("q"));
  ok(queue("shared"));
  other = exclusive("shared", one, 5);
  refused(other, ReplyCode::resource_locked, locked("shared"));
}

TEST_F(Queues, DurableAndExclusiveIsStoredAsNotDurable) {
  const Incarnation one = start(1);
  DeclareQueue command = exclusive("q", one);
  command.durable = true;
  ok(command);
  ok(command);
  command.durable = false;
  ok(command);
  EXPECT_FALSE(catalog_.snapshot()->queue("/", "q")->durable);
}

TEST_F(Queues, ExclusiveAndTransientOnesLiveInTheNodesLocalGroup) {
  const Incarnation one = start(1);
  ok(exclusive("e", one));
  DeclareQueue transient = queue("t");
  transient.durable = false;
  transient.incarnation = one;
  ok(transient);
  const auto snapshot = catalog_.snapshot();
  EXPECT_EQ(snapshot->queue("/", "e")->group, local_group_of(NodeId(1)));
  EXPECT_EQ(snapshot->queue("/", "t")->group, local_group_of(NodeId(1)));
  EXPECT_EQ(snapshot->queue("/", "t")->incarnation, one);
  EXPECT_EQ(snapshot->queue("/", "t")->owner, 0u);
}

TEST_F(Queues, EndedIncarnationLeavesNoQueuesBehind) {
  const Incarnation one = start(1);
  ok(NodeDead{NodeId(1), one});
  refused(exclusive("late", one), ReplyCode::internal_error,
          "the declaring node's incarnation has ended");
}

TEST_F(Queues, PreferredGroupIsTakenWhenItIsAQueueGroup) {
  DeclareQueue command = queue("q");
  command.preferred_group = GroupId(5);
  ok(command);
  EXPECT_EQ(catalog_.snapshot()->queue("/", "q")->group, GroupId(5));
  for (GroupId bad : {catalog_group, GroupId(99), local_group_of(NodeId(1))}) {
    command.name = "with-" + std::to_string(bad.value);
    command.preferred_group = bad;
    ok(command);
    EXPECT_EQ(catalog_.snapshot()->queue("/", command.name)->group, GroupId(1));
  }
}

TEST_F(Queues, AFullGroupIsNoLongerChosenUntilAQueueIsGone) {
  const std::vector<GroupId> led{GroupId(5), GroupId(6)};
  QueueId last;
  for (std::uint64_t i = 0; i < group_fill_limit; ++i) {
    EXPECT_EQ(catalog_.snapshot()->choose_led_group(led), GroupId(5)) << i;
    DeclareQueue command = queue("q" + std::to_string(i));
    command.preferred_group = GroupId(5);
    last = ok(command).queue;
  }
  EXPECT_EQ(catalog_.snapshot()->choose_led_group(led), GroupId(6));
  ok(DeleteQueue{last});
  EXPECT_EQ(catalog_.snapshot()->choose_led_group(led), GroupId(5));
}

TEST_F(Queues, GroupArgumentIsOnlyForTests) {
  DeclareQueue command = queue("q");
  command.arguments = {number("x-warren-group", 7)};
  ok(command);
  EXPECT_EQ(catalog_.snapshot()->queue("/", "q")->group, GroupId(1));
}

class TestPlacement : public CatalogTest {
 protected:
  static Found obeying() {
    Found found = three_nodes();
    found.test_placement = true;
    return found;
  }
  TestPlacement() : CatalogTest(obeying()) {}
};

TEST_F(TestPlacement, GroupArgumentIsObeyed) {
  DeclareQueue command = queue("q");
  command.preferred_group = GroupId(2);
  command.arguments = {number("x-warren-group", 7)};
  ok(command);
  EXPECT_EQ(catalog_.snapshot()->queue("/", "q")->group, GroupId(7));
  command.name = "p";
  command.arguments = {number("x-warren-group", 9)};
  refused(command, ReplyCode::precondition_failed,
          "invalid arg 'x-warren-group' for queue 'p' in vhost '/': no_such_group");
}

TEST_F(Queues, DeleteFreesTheNameAndTellsTheGroup) {
  const QueueId q = ok(queue("q")).queue;
  const Applied applied = give(DeleteQueue{q});
  EXPECT_EQ(applied.effects.queues_gone, (std::vector<QueueGone>{{q, GroupId(1)}}));
  EXPECT_EQ(catalog_.snapshot()->queue(q), nullptr);
  EXPECT_EQ(catalog_.snapshot()->queue("/", "q"), nullptr);
  EXPECT_TRUE(give(DeleteQueue{q}).effects.queues_gone.empty()) << "a second time is nothing";
}

}  // namespace
}  // namespace warren::catalog
