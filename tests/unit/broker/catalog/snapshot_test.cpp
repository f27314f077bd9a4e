#include "broker/catalog/snapshot.h"

#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Snapshots : public CatalogTest {};

TEST_F(Snapshots, SnapshotIsUnaffectedByLaterChanges) {
  const QueueId q = ok(queue("q")).queue;
  ok(binding("amq.fanout", "q"));
  const auto before = catalog_.snapshot();
  ok(DeleteQueue{q});
  ok(queue("later"));
  std::vector<QueueId> out;
  before->route("/", "amq.fanout", {}, out);
  EXPECT_EQ(out, std::vector{q});
  EXPECT_EQ(before->queue(q)->name, "q");
  EXPECT_EQ(before->queue("/", "later"), nullptr);
  EXPECT_LT(before->index(), catalog_.snapshot()->index());
}

TEST_F(Snapshots, ListingsAreSorted) {
  for (const char* name : {"c", "a", "b"}) {
    ok(queue(name));
    ok(PutUser{name, "", "", {}});
    ok(PutVhost{name, ""});
    ok(PutPermission{name, "guest", "", "", ""});
  }
  const auto snapshot = catalog_.snapshot();
  std::string order;
  snapshot->for_each_queue([&](const QueueInfo& q) { order += q.name; });
  snapshot->for_each_user([&](const UserInfo& u) { order += "," + u.name; });
  snapshot->for_each_permission([&](const PermissionInfo& p) { order += "," + p.vhost; });
  snapshot->for_each_node([&](const NodeInfo& n) { order += "," + n.name; });
  snapshot->for_each_group([&](const GroupInfo& g) { order += std::to_string(g.id.value); });
  EXPECT_EQ(order, "abc,a,b,c,guest,/,a,b,c,n1,n2,n3012345678");
}

class OneHeader final : public HeaderView {
 public:
  std::optional<routing::HeaderValue> lookup(std::string_view name) const override {
    if (name != "colour") return std::nullopt;
    return routing::HeaderValue{"longstr", "red"};
  }
  std::optional<std::string_view> property(std::string_view) const override { return {}; }
};

TEST_F(Snapshots, HeadersExchangeAsksForTheMessagesHeaders) {
  const QueueId red = ok(queue("red")).queue;
  ok(queue("blue"));
  for (const char* colour : {"red", "blue"}) {
    Bind command = binding("amq.headers", colour);
    command.arguments = {text("colour", colour)};
    ok(command);
  }
  std::vector<QueueId> out;
  catalog_.snapshot()->route("/", "amq.headers", {}, out);
  EXPECT_TRUE(out.empty());
  const OneHeader headers;
  catalog_.snapshot()->route("/", "amq.headers", {"", &headers}, out);
  EXPECT_EQ(out, std::vector{red});
}

TEST_F(Snapshots, LookupsOfWhatIsNotThereAreNull) {
  const auto snapshot = catalog_.snapshot();
  EXPECT_EQ(snapshot->exchange("v", "amq.topic"), nullptr);
  EXPECT_EQ(snapshot->queue("/", "q"), nullptr);
  EXPECT_EQ(snapshot->queue(QueueId(9)), nullptr);
  EXPECT_EQ(snapshot->user("nobody"), nullptr);
  EXPECT_FALSE(snapshot->vhost_exists("v"));
  EXPECT_EQ(snapshot->node("nowhere"), nullptr);
  EXPECT_EQ(snapshot->node(NodeId(9)), nullptr);
  EXPECT_EQ(snapshot->group(GroupId(99)), nullptr);
  EXPECT_EQ(Snapshot().index(), CatalogIndex());
}

}  // namespace
}  // namespace warren::catalog
