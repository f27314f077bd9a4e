#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Bindings : public CatalogTest {};

TEST_F(Bindings, QueueIsReachedFromBindToUnbind) {
  const QueueId q = ok(queue("q")).queue;
  EXPECT_TRUE(ok(binding("amq.topic", "q", "a.#")).created);
  EXPECT_EQ(route("amq.topic", "a.b"), std::vector{q});
  ok(unbinding(binding("amq.topic", "q", "a.#")));
  EXPECT_TRUE(route("amq.topic", "a.b").empty());
}

TEST_F(Bindings, DefaultExchangeReachesEveryQueueByName) {
  const QueueId q = ok(queue("q")).queue;
  EXPECT_EQ(route("", "q"), std::vector{q});
  EXPECT_TRUE(route("", "q", "other").empty());
}

TEST_F(Bindings, DuplicateIsOneBinding) {
  ok(queue("q"));
  ok(binding("amq.direct", "q", "k"));
  EXPECT_FALSE(ok(binding("amq.direct", "q", "k")).created);
  EXPECT_EQ(catalog_.snapshot()->binding_count(), 1u);
  ok(unbinding(binding("amq.direct", "q", "k")));
  EXPECT_TRUE(route("amq.direct", "k").empty());
}

TEST_F(Bindings, ArgumentsTellBindingsApartWhateverTheirOrder) {
  ok(queue("q"));
  Bind first = binding("amq.direct", "q", "k");
  first.arguments = {text("a", "1"), text("b", "2")};
  Bind same = first;
  std::swap(same.arguments[0], same.arguments[1]);
  ok(first);
  EXPECT_FALSE(ok(same).created);
  ok(binding("amq.direct", "q", "k"));
  EXPECT_EQ(catalog_.snapshot()->binding_count(), 2u);
  ok(unbinding(binding("amq.direct", "q", "k")));
  EXPECT_EQ(route("amq.direct", "k").size(), 1u) << "the other binding still leads there";
  ok(unbinding(same));
  EXPECT_TRUE(route("amq.direct", "k").empty());
}

TEST_F(Bindings, UnbindOfWhatIsNotThereSucceeds) {
  ok(unbinding(binding("amq.direct", "none", "k")));
  ok(unbinding(binding("none", "none", "k")));
  ok(queue("q"));
  ok(unbinding(binding("amq.direct", "q", "k")));
}

TEST_F(Bindings, MissingEndsAreNamed) {
  refused(binding("none", "nobody"), ReplyCode::not_found, "no exchange 'none' in vhost '/'");
  refused(binding("amq.direct", "nobody"), ReplyCode::not_found, "no queue 'nobody' in vhost '/'");
  refused(exchange_binding("amq.direct", "none"), ReplyCode::not_found,
          "no exchange 'none' in vhost '/'");
}

TEST_F(Bindings, DefaultExchangeCannotBeBound) {
  ok(queue("q"));
  for (const Command& command :
       {Command(binding("", "q")), Command(exchange_binding("amq.direct", "")),
        Command(unbinding(binding("", "q"))),
        Command(unbinding(exchange_binding("amq.direct", "")))})
    refused(command, ReplyCode::access_refused, "operation not permitted on the default exchange");
}

TEST_F(Bindings, HeadersExchangeRefusesAnUnknownMatch) {
  ok(queue("q"));
  Bind command = binding("amq.headers", "q");
  command.arguments = {text("x-match", "some")};
  refused(command, ReplyCode::precondition_failed,
          "Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or any-with-x");
}

TEST_F(Bindings, ExclusiveQueueIsBoundByItsOwnerOnly) {
  const Incarnation incarnation = start(1);
  ok(exclusive("mine", incarnation, 5));
  Bind command = binding("amq.direct", "mine", "k");
  command.node = NodeId(1);
  command.incarnation = incarnation;
  command.owner = 6;
  const std::string locked =
      "cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally "
      "declared on another connection or the exclusive property value does not match that of the "
      "original declaration.";
  refused(command, ReplyCode::resource_locked, locked);
  refused(unbinding(command), ReplyCode::resource_locked, locked);
  command.owner = 5;
  ok(command);
  ok(unbinding(command));
}

TEST_F(Bindings, QueueTakesItsBindingsAway) {
  const QueueId q = ok(queue("q")).queue;
  const QueueId other = ok(queue("other")).queue;
  for (const char* source : {"amq.direct", "amq.fanout", "amq.topic", "amq.headers"}) {
    ok(binding(source, "q", "k"));
    ok(binding(source, "other", "k"));
  }
  const Applied applied = give(DeleteQueue{q});
  ASSERT_EQ(applied.effects.queues_gone.size(), 1u);
  EXPECT_EQ(applied.effects.queues_gone[0].queue, q);
  EXPECT_EQ(catalog_.snapshot()->binding_count(), 4u);
  const QueueId again = ok(queue("q")).queue;
  EXPECT_NE(again, q);
  for (const char* source : {"amq.direct", "amq.fanout", "amq.topic", "amq.headers"})
    EXPECT_EQ(route(source, "k"), std::vector{other});
}

TEST_F(Bindings, AreListedInStableOrder) {
  for (const char* name : {"b", "a"})
    ok(queue(name));
  ok(binding("amq.topic", "b", "2"));
  ok(binding("amq.topic", "b", "1"));
  ok(binding("amq.topic", "a", "3"));
  ok(binding("amq.direct", "b", "4"));
  std::string order;
  catalog_.snapshot()->for_each_binding(
      [&](const BindingInfo& b) { order += b.source + ">" + b.destination + b.routing_key + " "; });
  EXPECT_EQ(order, "amq.direct>b4 amq.topic>a3 amq.topic>b1 amq.topic>b2 ");
}

}  // namespace
}  // namespace warren::catalog
