#include <chrono>
#include <thread>

#include "broker/frontend/connection.h"
#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

// A consumer that does not read: its output is full, and so are the kernel's buffers.
class FullOutput : public FrontendTest {
 protected:
  static constexpr int messages = 400;
  static constexpr std::size_t bound = 100'000;

  FullOutput() {
    settings_.output_octets = settings_.answer_octets = bound;
    settings_.disconnect_grace = Milliseconds{3000};
  }
  void fill(Client& client, std::uint16_t heartbeat_seconds) {
    client.open(heartbeat_seconds);
    client.declare(1, "q");
    Client publisher(port());
    publisher.open();
    for (int i = 0; i < messages; ++i)
      publisher.publish(1, "", "q", std::string(50'000, 'x'));
    publisher.sync(1);
    publisher.close();
    EXPECT_TRUE(soon([&] { return group_->open_count() == 1; }));
    client.send(1, amqp::BasicConsume{0, "q", "c", false, false, false, false, {}});
    EXPECT_TRUE(soon([&] { return pending() >= bound; }));
  }
  // More than the bound of answers.
  static void ask(Client& client, int times) {
    std::string requests;
    for (int i = 0; i < times; ++i)
      requests +=
          Client::frame(1, amqp::QueueDeclare{0, "q", true, false, false, false, false, {}});
    client.send_raw(requests);
  }
  std::size_t pending() {
    const auto all = listings();
    return all.empty() ? 0 : all[0].send_pending;
  }
  std::size_t on_reactor(std::function<std::size_t()> count) {
    std::size_t found = 0;
    door_.run([&] { found = count(); });
    return found;
  }
  template <typename Condition>
  static bool soon(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition())
      if (std::chrono::steady_clock::now() > end) return false;
    return true;
  }
};

const std::string heartbeat("\x08\x00\x00\x00\x00\x00\x00\xce", 8);

TEST_F(FullOutput, ASilentClientIsDropped) {
  Client client(port());
  fill(client, 1);
  EXPECT_TRUE(soon([&] { return group_->open_count() == 0; }));
  EXPECT_EQ(ready("q"), static_cast<std::size_t>(messages));
}

TEST_F(FullOutput, AClientThatIsSilentOnAllItsAnswersIsDropped) {
  Client client(port());
  fill(client, 1);
  ask(client, 40'000);
  EXPECT_TRUE(soon([&] { return pending() >= 2 * bound; }));
  EXPECT_TRUE(soon([&] { return group_->open_count() == 0; }));
}

TEST_F(FullOutput, AClientThatSendsHeartbeatsLives) {
  Client client(port());
  fill(client, 1);
  for (bool asked : {false, true}) {
    if (asked) ask(client, 40'000);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2700);
    while (std::chrono::steady_clock::now() < end) {
      client.send_raw(heartbeat);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    EXPECT_EQ(group_->open_count(), 1u) << asked;
    EXPECT_LT(pending(), 2 * bound + 100'000) << asked;
  }
}

TEST_F(FullOutput, AcksCancelAndCloseAreRead) {
  Client client(port());
  fill(client, 0);
  client.send(1, amqp::BasicAck{3, true});
  EXPECT_TRUE(soon([&] { return on_reactor([&] { return door_.settles.size(); }) > 0; }));
  client.send(1, amqp::BasicCancel{"c", false});
  EXPECT_TRUE(soon([&] { return on_reactor([&] { return door_.consumers("q"); }) == 0; }));
  client.publish(1, "", "q", "y");
  client.send(0, amqp::ConnectionClose{200, "bye", 0, 0});
  EXPECT_TRUE(soon([&] { return ready("q") == messages - 3 + 1; }));
  std::optional<Received> last;
  while (auto frame = client.read_frame())
    last = std::move(frame);
  ASSERT_TRUE(last);
  EXPECT_EQ(amqp::peek_method(last->payload).key(), amqp::ConnectionCloseOk::info.key());
}

TEST_F(FullOutput, AnswersWaitForTheirReaderAndAllCome) {
  Client client(port());
  fill(client, 0);
  constexpr int asked = 40'000;
  std::thread asking([&] { ask(client, asked); });
  EXPECT_TRUE(soon([&] { return pending() >= 2 * bound; }));
  int answered = 0, delivered = 0;
  while (answered < asked || delivered < messages) {
    auto frame = client.read_frame();
    if (!frame) break;
    if (frame->type != amqp::FrameType::method) continue;
    const std::uint32_t key = amqp::peek_method(frame->payload).key();
    answered += key == amqp::QueueDeclareOk::info.key();
    delivered += key == amqp::BasicDeliver::info.key();
  }
  asking.join();
  EXPECT_EQ(answered, asked);
  EXPECT_EQ(delivered, messages);
}

}  // namespace
}  // namespace warren::frontend
