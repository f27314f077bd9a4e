#include "broker/catalog/command_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

DeclareQueue full_queue() {
  DeclareQueue command = queue("q");
  command.auto_delete = true;
  command.exclusive = true;
  command.arguments = {number("x-expires", 5), text("x-colour", "")};
  command.arguments_octets = std::string("\0\xff octets", 9);
  command.incarnation = Incarnation(9);
  command.owner = ~std::uint64_t{0};
  command.preferred_group = GroupId(0xffffffff);
  return command;
}

Bind full_binding() {
  Bind command = exchange_binding("s", "d", "k");
  command.arguments = {text("a", "1")};
  command.arguments_octets = "o";
  command.node = NodeId(1);
  command.incarnation = Incarnation(2);
  command.owner = 3;
  return command;
}

std::vector<Command> every_command() {
  DeclareExchange declare = exchange("x", "topic");
  declare.durable = declare.internal = true;
  declare.arguments = {text("alternate-exchange", "ae")};
  declare.arguments_octets = "octets";
  Found found = three_nodes();
  found.test_placement = true;
  return {found,
          declare,
          DeleteExchange{"/", "x", true},
          full_queue(),
          queue("plain"),
          DeleteQueue{QueueId(300)},
          full_binding(),
          Unbind{full_binding()},
          PutVhost{"v", "d"},
          DeleteVhost{"v"},
          PutUser{"u", "h", "a", {"administrator", "monitoring"}},
          DeleteUser{"u"},
          PutPermission{"v", "u", "c", "w", "r"},
          DeletePermission{"v", "u"},
          RegisterNode{"n", NodeId(3), DiskId(~std::uint64_t{0}), "h:1"},
          NodeDead{NodeId(1), Incarnation(2)},
          ForgetNode{NodeId(1)},
          DeclareHistory{declare, NodeId(2), GroupId(3)}};
}

TEST(CommandCodec, EveryCommandComesBack) {
  std::set<std::size_t> kinds;
  for (const Command& command : every_command()) {
    kinds.insert(command.index());
    const std::string octets = encode_command(command);
    Result<Command> back = decode_command(octets);
    ASSERT_TRUE(back.has_value()) << "kind " << command.index();
    EXPECT_EQ(back->index(), command.index());
    EXPECT_EQ(encode_command(*back), octets);
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Command>);
}

TEST(CommandCodec, AFoundingByAnOlderBuildMakesGuest) {
  const Found plain = three_nodes();
  Found other = plain;
  other.first_user = {"rabbit", {"monitoring"}, "warren"};
  const std::string octets = encode_command(plain);
  const std::string longer = encode_command(other);
  // What an older build wrote ends here.
  EXPECT_EQ(longer.substr(0, octets.size()), octets);
  EXPECT_EQ(std::get<Found>(*decode_command(octets)).first_user, FirstUser());
  EXPECT_EQ(std::get<Found>(*decode_command(longer)).first_user, other.first_user);
  for (std::size_t length = octets.size() + 1; length < longer.size(); ++length)
    EXPECT_FALSE(decode_command(longer.substr(0, length)).has_value());
}

TEST(CommandCodec, EveryFieldOfAQueueAndABindingComesBack) {
  const auto q = std::get<DeclareQueue>(*decode_command(encode_command(full_queue())));
  const DeclareQueue expected = full_queue();
  EXPECT_EQ(q.vhost, expected.vhost);
  EXPECT_EQ(q.name, expected.name);
  EXPECT_TRUE(q.durable && q.exclusive && q.auto_delete);
  EXPECT_EQ(q.arguments, expected.arguments);
  EXPECT_EQ(q.arguments_octets, expected.arguments_octets);
  EXPECT_EQ(q.node, expected.node);
  EXPECT_EQ(q.incarnation, expected.incarnation);
  EXPECT_EQ(q.owner, expected.owner);
  EXPECT_EQ(q.preferred_group, expected.preferred_group);
  const auto b = std::get<Unbind>(*decode_command(encode_command(Unbind{full_binding()})));
  EXPECT_EQ(b.source + b.destination + b.routing_key, "sdk");
  EXPECT_EQ(b.kind, DestinationKind::exchange);
  EXPECT_EQ(b.owner, 3u);
}

TEST(CommandCodec, FormatIsFixed) {
  EXPECT_EQ(encode_command(DeleteExchange{"/", "x", true}), "\x01\x02\x01/\x01x\x01");
  EXPECT_EQ(encode_command(ForgetNode{NodeId(300)}), "\x01\x0f\xac\x02");
  EXPECT_TRUE(encode_command(history("h")).starts_with("\x01\x10\x01/\x01h\x10x-recent-history"));
}

TEST(CommandCodec, CutAndLengthenedCommandsAreErrors) {
  for (const Command& command : every_command()) {
    const std::string octets = encode_command(command);
    for (std::size_t length = 0; length < octets.size(); ++length)
      EXPECT_FALSE(decode_command(octets.substr(0, length)).has_value());
    EXPECT_FALSE(decode_command(octets + "x").has_value());
  }
}

TEST(CommandCodec, UnknownVersionAndKindAreErrors) {
  std::string octets = encode_command(ForgetNode{NodeId(1)});
  octets[0] = 2;
  EXPECT_EQ(decode_command(octets).error(),
            (Error{ReplyCode::internal_error, "malformed catalog command"}));
  octets[0] = 1;
  octets[1] = 99;
  EXPECT_FALSE(decode_command(octets).has_value());
}

TEST(CommandCodec, FlippedBitsNeverCrashAndAreReadOnlyAsWhatTheySay) {
  for (const Command& command : every_command()) {
    const std::string octets = encode_command(command);
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
      std::string flipped = octets;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      if (auto back = decode_command(flipped)) {
        EXPECT_TRUE(decode_command(encode_command(*back)).has_value());
      }
    }
  }
}

TEST(OutcomeCodec, OutcomesComeBack) {
  Outcome outcome;
  outcome.index = CatalogIndex(7);
  outcome.queue = QueueId(8);
  outcome.created = true;
  outcome.node = NodeId(9);
  outcome.incarnation = Incarnation(10);
  for (std::optional<Error> error :
       {std::optional<Error>(), std::optional(Error{ReplyCode::not_found, "no"})}) {
    outcome.error = error;
    Result<Outcome> back = decode_outcome(encode_outcome(outcome));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->error, error);
    EXPECT_EQ(back->index, outcome.index);
    EXPECT_EQ(back->queue, outcome.queue);
    EXPECT_TRUE(back->created);
    EXPECT_EQ(back->node, outcome.node);
    EXPECT_EQ(back->incarnation, outcome.incarnation);
  }
}

TEST(OutcomeCodec, MalformedOutcomesAreErrors) {
  Outcome outcome;
  outcome.error = Error{ReplyCode::not_found, "no"};
  const std::string octets = encode_outcome(outcome);
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_FALSE(decode_outcome(octets.substr(0, length)).has_value());
  EXPECT_FALSE(decode_outcome(octets + "x").has_value());
  outcome.error->code = static_cast<ReplyCode>(999);
  EXPECT_FALSE(decode_outcome(encode_outcome(outcome)).has_value());
}

}  // namespace
}  // namespace warren::catalog
