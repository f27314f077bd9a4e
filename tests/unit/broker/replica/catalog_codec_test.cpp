#include "broker/replica/catalog_codec.h"

#include <gtest/gtest.h>

#include "broker/catalog/command_codec.h"

namespace warren::replica {
namespace {

TEST(CatalogCodec, CommandsComeBackAsTheyWere) {
  catalog::DeclareQueue declare;
  declare.vhost = "/";
  declare.name = "q";
  declare.durable = true;
  declare.arguments = {{"x-max-length", "long", "5"}};
  declare.arguments_octets = "octets";
  declare.node = NodeId(3);
  declare.incarnation = Incarnation(9);
  declare.owner = 77;
  declare.preferred_group = GroupId(4);
  catalog::Unbind unbind;
  unbind.source = "amq.topic";
  unbind.kind = catalog::DestinationKind::exchange;
  catalog::Found found;
  found.cluster_id = 5;
  found.test_placement = true;
  found.nodes = {{"a", NodeId(1), DiskId(8), "host:1"}};
  std::vector<catalog::Command> commands{declare, unbind, found, catalog::ForgetNode{NodeId(2)}};
  auto back = decode_catalog_batch(encode_catalog_batch(commands).view());
  ASSERT_TRUE(back) << back.error().text;
  ASSERT_EQ(back->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*back)[i].index(), commands[i].index());
    EXPECT_EQ(catalog::encode_command((*back)[i]), catalog::encode_command(commands[i]));
  }
  EXPECT_EQ(std::get<catalog::DeclareQueue>((*back)[0]).arguments, declare.arguments);
  EXPECT_EQ(std::get<catalog::Found>((*back)[2]).nodes.at(0).address, "host:1");
  EXPECT_TRUE(std::get<catalog::Found>((*back)[2]).test_placement);
}

TEST(CatalogCodec, EntriesAndOutcomesComeBackAsTheyWere) {
  CatalogEntry entry;
  entry.stamp = Stamp(9);
  entry.batches.push_back({{NodeId(1), Incarnation(2)}, BatchNumber(3), BatchNumber(2), {}});
  entry.batches[0].commands.push_back(catalog::DeleteQueue{QueueId(4)});
  entry.own.push_back(catalog::NodeDead{NodeId(1), Incarnation(2)});
  auto back = decode_catalog_entry(*encode_catalog_entry(entry));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->batches.at(0).number, BatchNumber(3));
  EXPECT_EQ(std::get<catalog::DeleteQueue>(back->batches[0].commands.at(0)).queue, QueueId(4));
  EXPECT_EQ(back->own.size(), 1u);

  catalog::Outcome ok;
  ok.index = CatalogIndex(7);
  ok.created = true;
  catalog::Outcome refused;
  refused.error = Error{ReplyCode::not_found, "no queue"};
  std::vector<catalog::Outcome> outcomes{ok, refused};
  auto after = decode_catalog_outcomes(encode_catalog_outcomes(outcomes));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->at(0).index, CatalogIndex(7));
  EXPECT_EQ(after->at(1).error, refused.error);
}

// Nodes of a cluster that is being brought up to date read each other's.
TEST(CatalogCodec, NewEntriesOfGroupsDoNotRaiseItsVersion) {
  EXPECT_EQ(encode_catalog_batch({}).view(), std::string_view("\x08\x05", 2));
  EXPECT_TRUE(encode_catalog_entry({})->starts_with(std::string_view("\x08\x05", 2)));
}

}  // namespace
}  // namespace warren::replica
