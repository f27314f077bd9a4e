#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class CatalogCodec : public CatalogTest {
 protected:
  void define_something_of_each() {
    const Incarnation incarnation = start(1);
    DeclareExchange declare = exchange("x", "headers");
    declare.auto_delete = true;
    ok(declare);
    ok(exchange("y", "fanout"));
    ok(history("h", {number("x-recent-history-length", 7)}));
    ok(queue("q"));
    ok(exclusive("e", incarnation));
    Bind command = binding("x", "q", "k");
    command.arguments = {text("x-match", "any"), text("colour", "red")};
    command.arguments_octets = "octets";
    ok(command);
    ok(exchange_binding("amq.topic", "y", "a.#"));
    ok(binding("y", "q"));
    ok(PutVhost{"v", "d"});
    ok(PutUser{"u", "h", "a", {"t1", "t2"}});
    ok(PutPermission{"v", "u", "c", "w", "r"});
  }
};

TEST_F(CatalogCodec, RestoredCatalogIsTheSame) {
  define_something_of_each();
  const std::string octets = catalog_.snapshot_octets();
  Result<Catalog> restored = Catalog::restore(octets);
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->snapshot_octets(), octets);
  EXPECT_EQ(restored->index(), catalog_.index());
}

TEST_F(CatalogCodec, RestoredCatalogGoesOnAsTheOriginal) {
  define_something_of_each();
  Catalog restored = *Catalog::restore(catalog_.snapshot_octets());
  const QueueId q = catalog_.snapshot()->queue("/", "q")->id;
  const std::vector<Command> commands = {
      queue("later"), NodeDead{NodeId(1), catalog_.snapshot()->node("n1")->incarnation},
      DeleteQueue{q}, RegisterNode{"n9", NodeId(), DiskId(9), "h:1"}, DeleteVhost{"v"}};
  for (const Command& command : commands) {
    last_ = last_.next();
    const Applied a = catalog_.apply(last_, command, Stamp(1));
    const Applied b = restored.apply(last_, command, Stamp(1));
    EXPECT_EQ(a.effects.queues_gone, b.effects.queues_gone);
    EXPECT_EQ(a.effects.incarnations_ended, b.effects.incarnations_ended);
    EXPECT_EQ(a.effects.placement_changed, b.effects.placement_changed);
    EXPECT_EQ(catalog_.snapshot_octets(), restored.snapshot_octets());
  }
  EXPECT_EQ(catalog_.snapshot()->exchange("/", "x"), nullptr) << "went with its last binding";
}

TEST_F(CatalogCodec, RestoredCatalogRoutes) {
  define_something_of_each();
  catalog_ = *Catalog::restore(catalog_.snapshot_octets());
  EXPECT_EQ(route("amq.topic", "a.b").size(), 1u);
}

TEST_F(CatalogCodec, CutSnapshotsAreErrors) {
  define_something_of_each();
  const std::string octets = catalog_.snapshot_octets();
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_FALSE(Catalog::restore(octets.substr(0, length)).has_value()) << length;
  EXPECT_FALSE(Catalog::restore(octets + "x").has_value());
}

TEST_F(CatalogCodec, FlippedBitsNeverCrash) {
  define_something_of_each();
  const std::string octets = catalog_.snapshot_octets();
  for (std::size_t at = 0; at < octets.size(); ++at) {
    std::string flipped = octets;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    if (auto restored = Catalog::restore(flipped)) restored->snapshot_octets();
  }
}

TEST_F(CatalogCodec, AnOlderBuildReadsACatalogWithoutHistories) {
  ok(history("h"));
  EXPECT_EQ(catalog_.snapshot_octets()[0], 2);
  ok(DeleteExchange{"/", "h"});
  EXPECT_EQ(catalog_.snapshot_octets()[0], 1);
}

TEST_F(CatalogCodec, LaterVersionIsRefused) {
  std::string octets = catalog_.snapshot_octets();
  octets[0] = 3;
  EXPECT_EQ(Catalog::restore(octets).error(),
            (Error{ReplyCode::internal_error, "malformed catalog snapshot"}));
}

TEST(CatalogCodecEmpty, CatalogBeforeFoundingComesBack) {
  Catalog catalog;
  catalog.advance(CatalogIndex(3));
  Result<Catalog> restored = Catalog::restore(catalog.snapshot_octets());
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->index(), CatalogIndex(3));
  EXPECT_FALSE(restored->founded());
}

}  // namespace
}  // namespace warren::catalog
