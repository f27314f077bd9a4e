// Connection: one client's socket, from the protocol header to the last octet: finds frames in what
// is read, runs the handshake, hands frames to channels, and writes what they answer, all of a turn
// at once. One reader coroutine; one write at a time. Owned by its hub until it is closed; its
// reactor. Source: AMQP 0-9-1 §1.4, §2.2.4, §4.2, §4.10.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/container/flat_map.hpp>
#include <set>
#include <string>
#include <vector>

#include "broker/frontend/command_batch.h"
#include "broker/frontend/handshake.h"
#include "broker/frontend/heartbeat.h"
#include "broker/frontend/hub.h"
#include "broker/frontend/listing.h"
#include "broker/frontend/outgoing_bodies.h"
#include "broker/frontend/permissions.h"

namespace warren::frontend {

class Channel;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // `key` is never used again in this node's incarnation: it owns exclusive queues.
  // `refused`: there are too many, which connection.open is told. It is counted already.
  static void start(const std::shared_ptr<Hub>& hub, Socket socket, std::uint64_t key,
                    bool refused);
  Connection(std::shared_ptr<Hub> hub, Socket socket, std::uint64_t key);
  ~Connection();

  ConnectionListing listing() const;
  void on_tick(BootTime now);
  void on_alarm_changed();
  // Closes it from our side: 320 for an operator or a shutdown.
  void force_close(std::string text);
  // No farewell: for what does not go by itself.
  void close_socket();

  // For its channels.
  Hub& hub() const { return hub_; }
  std::uint64_t key() const { return key_; }
  const std::string& name() const { return name_; }
  const User& user() const { return user_; }
  const std::string& vhost() const { return vhost_; }
  const Capabilities& peer_can() const { return peer_can_; }
  Permissions& permissions() { return permissions_; }
  // The definitions as of this turn; the pointer that keeps them.
  const std::shared_ptr<const catalog::Snapshot>& catalog();
  void forget_catalog() { catalog_.reset(); }

  amqp::FrameWriter& out(ChannelNumber channel) { return bodies_.writer(channel); }
  // Follows the method and content header that were just written.
  void send_body(ChannelNumber channel, OutgoingBody body);
  bool sends_body(ChannelNumber channel) const { return bodies_.busy(channel); }
  CommandBatch& batch() { return batch_; }
  // Something was written or is to be submitted: at the end of the turn.
  void touch();
  void submit_commands();
  void submit_whole(GroupId group, std::vector<queue::ClientCommand> commands);
  // Octets of output ever written to the socket, and ever appended.
  std::uint64_t sent_octets() const { return sent_octets_; }
  std::uint64_t appended_octets() const { return sent_octets_ + output_.size(); }
  bool can_send() const { return socket_.is_open() && state_ != State::closed; }
  bool output_full() const { return output_.size() >= hub_.settings.output_octets; }
  // No room for what nothing else bounds.
  bool output_full(ChannelNumber channel) const {
    return output_.size() + bodies_.octets_behind(channel) >= hub_.settings.output_octets;
  }
  // More is written than the client may ask for while it does not read.
  bool awaits_reader() const;
  // The socket is slow: what is appended now may stay for long.
  bool output_waits() const { return writing_ && output_.size() >= slow_output_octets; }

  // Ends the connection with `error` as the answer to `method` on `channel`.
  void fail(ChannelNumber channel, const Error& error, const amqp::MethodInfo& method);
  void forget(ChannelNumber channel);
  void own_exclusive(QueueId queue) { exclusive_queues_.insert(queue); }
  bool owns_exclusive() const { return !exclusive_queues_.empty(); }
  void add_held(std::int64_t octets);
  void add_backlog(std::int64_t octets);
  void add_uploading(std::int64_t octets);
  void await_routable();
  // A publish arrived while an alarm is on: this one is the last to be read.
  void on_publish();

 private:
  enum class State : std::uint8_t {
    header,
    starting,
    tuning,
    opening,
    running,
    client_closing,  // asked to close, or gone: what was read is being finished
    server_closing,  // close sent: only close and close-ok count
    draining,        // nothing to say any more: the last octets go out
    closed
  };
  static constexpr std::size_t slow_output_octets = 64u << 10;
  enum class Deadline : std::uint8_t { none, handshake, close, grace };

  // connection_io.cpp
  static boost::asio::awaitable<void> read(std::shared_ptr<Connection> self);
  void make_room();
  bool may_look_ahead() const;
  void look_for_close();
  void consume_input();
  bool consume_header(std::string_view& unread);
  bool paused() const { return state_ == State::running && (awaits_cluster() || awaits_reader()); }
  bool awaits_cluster() const;
  void notice_life(BootTime now);
  void wake();
  void probe(BootTime now);
  bool peer_left();
  void end_turn();
  void write_more();
  void fetch_parts();
  void on_part(std::uint64_t number, const Result<std::optional<Bytes>>& octets);
  void run_backlogs();
  void on_written(boost::system::error_code error, std::size_t count);
  void on_input_end();
  void await_writable(GroupId group);
  void update_blocked();

  // connection_open.cpp
  void on_frame(const amqp::Frame& frame);
  void on_connection_method(std::string_view payload);
  Result<void> on_handshake_method(const amqp::Method& method);
  Result<void> on_start_ok(const amqp::ConnectionStartOk& method);
  Result<void> on_tune_ok(const amqp::ConnectionTuneOk& method);
  Result<void> on_open(const amqp::ConnectionOpen& method);
  Result<void> on_update_secret(const amqp::ConnectionUpdateSecret& method);
  Result<User> log_in(const Credentials& credentials);
  void on_channel_frame(const amqp::Frame& frame);
  void open_channel(const amqp::Frame& frame);

  // connection_close.cpp
  void on_client_close();
  void on_closing_method(std::string_view payload);
  void on_broken(std::string_view why);
  void finish_channels();
  void abort_channels();
  void delete_exclusive_queues(std::function<void()> done);
  void finished();
  void drain();
  void set_deadline(Deadline what, Milliseconds after);

  const std::shared_ptr<Hub> hub_owner_;
  Hub& hub_;
  Socket socket_;
  const std::uint64_t key_;
  State state_ = State::header;
  Deadline deadline_ = Deadline::none;
  BootTime deadline_at_{0};
  bool peer_waits_close_ok_ = false, refused_ = false;
  bool deaf_ = false;     // what comes is thrown away
  bool hangs_up_ = true;  // once drained

  std::string name_, peer_host_, host_, mechanism_, vhost_;
  std::uint16_t peer_port_ = 0, port_ = 0;
  bool loopback_ = false, awaiting_routable_ = false;
  std::uint64_t connected_at_ms_ = 0, received_octets_ = 0, sent_octets_ = 0;
  User user_;
  Capabilities peer_can_;
  amqp::FieldTable client_properties_;
  Tuned tuned_;
  Heartbeat heartbeat_;
  Permissions permissions_;
  std::shared_ptr<const catalog::Snapshot> catalog_;
  std::unique_ptr<char[]> input_;
  std::size_t input_capacity_ = 0, input_begin_ = 0, input_end_ = 0;
  std::size_t looked_at_ = 0;  // octets of the unread, for a close
  amqp::FrameParser parser_;
  bool input_filled_ = false;  // by the last read: a larger buffer would take more
  bool reader_sleeps_ = false;
  boost::asio::steady_timer wake_;
  amqp::OutputBuffer output_;
  amqp::FrameWriter writer_{output_, 131072};
  OutgoingBodies bodies_{output_, writer_};
  std::array<boost::asio::const_buffer, 64> pieces_;  // of the write that is under way
  bool writing_ = false, turn_open_ = false;
  CommandBatch batch_;
  boost::container::flat_map<ChannelNumber, std::shared_ptr<Channel>> channels_;
  std::set<QueueId> exclusive_queues_;
  std::set<GroupId> unwritable_;
  std::size_t held_octets_ = 0, backlog_octets_ = 0, uploading_octets_ = 0;
  bool alarmed_ = false;       // published during an alarm
  BootTime probed_at_{};       // while it was
  bool leaving_ = false;       // though it is: connection.close was seen behind what is not taken
  bool told_blocked_ = false;  // connection.blocked was sent
};

}  // namespace warren::frontend
