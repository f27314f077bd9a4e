// Real streams to receivers in this process, one of which hangs.
#include "broker/cluster/snapshot_streams.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/unit/storage/test_store.h"

namespace warren::cluster {
namespace {

using namespace std::chrono_literals;
using storage::group_one;
using storage::self_member;

class Receiver final : public proto::Raft::Service {
 public:
  explicit Receiver(bool hangs) : hangs_(hangs) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Receiver() override {
    let_go_.set_value();
    server_->Shutdown(std::chrono::system_clock::now());
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  grpc::Status InstallSnapshot(grpc::ServerContext*, grpc::ServerReader<proto::SnapshotPart>* parts,
                               proto::SnapshotResult* result) override {
    if (hangs_) let_go_.get_future().wait();
    proto::SnapshotPart part;
    while (parts->Read(&part)) {
    }
    result->set_installed(true);
    return grpc::Status::OK;
  }

  const bool hangs_;
  int port_ = 0;
  std::promise<void> let_go_;
  std::unique_ptr<grpc::Server> server_;
};

struct Paths final : SnapshotPaths {
  std::unique_ptr<proto::Raft::Stub> raft_stub(NodeId node) const override {
    auto at = addresses.find(node);
    return at == addresses.end() ? nullptr : proto::Raft::NewStub(open_channel(at->second));
  }
  std::multimap<std::string, std::string> metadata() const override { return {}; }
  std::map<NodeId, std::string> addresses;
};

class SnapshotStreamsTest : public ::testing::Test {
 protected:
  SnapshotStreamsTest() {
    store.log->create(group_one, self_member);
    store.write({storage::append_write(1, 1, 3)});
    store.wait_written();
    storage::SnapshotWriter writer(*store.database, *store.committer, store.mailbox.post(),
                                   group_one);
    writer.put("g", "state");
    bool done = false;
    writer.commit({raft::Index(2), raft::Term(1), {{self_member}, {}}}, [&] { done = true; });
    store.mailbox.pump_until([&] { return done; });
    paths.addresses = {{NodeId(2), hung.address()}, {NodeId(3), good.address()}};
  }
  // Whether it was installed; waits ten seconds at most.
  std::future<bool> send(SnapshotStreams& streams, std::uint32_t node) {
    auto told = std::make_shared<std::promise<bool>>();
    streams.send(GroupId(1), raft::Term(1), NodeId(1), {node, node, 1},
                 [told](raft::Index, bool ok) { told->set_value(ok); });
    return told->get_future();
  }

  storage::TempDir dir;
  storage::TestStore store{dir.path()};
  Receiver hung{true};
  Receiver good{false};
  Paths paths;
};

TEST_F(SnapshotStreamsTest, ReceiverThatHangsHoldsUpNobodyElse) {
  SnapshotStreams streams(*store.database, paths);
  auto to_hung = send(streams, 2);
  auto to_good = send(streams, 3);
  ASSERT_EQ(to_good.wait_for(10s), std::future_status::ready);
  EXPECT_TRUE(to_good.get());
  EXPECT_EQ(to_hung.wait_for(0s), std::future_status::timeout);
  streams.stop();
  ASSERT_EQ(to_hung.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(to_hung.get());
}

TEST_F(SnapshotStreamsTest, ReceiverThatTakesNothingIsGivenUp) {
  SnapshotStreams streams(*store.database, paths, Milliseconds(100));
  auto to_hung = send(streams, 2);
  ASSERT_EQ(to_hung.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(to_hung.get());
}

TEST_F(SnapshotStreamsTest, NodeThatNobodyKnowsIsToldAsFailed) {
  SnapshotStreams streams(*store.database, paths);
  auto nowhere = send(streams, 9);
  ASSERT_EQ(nowhere.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(nowhere.get());
}

}  // namespace
}  // namespace warren::cluster
