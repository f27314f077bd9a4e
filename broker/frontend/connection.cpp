#include "broker/frontend/connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <utility>

#include "broker/frontend/channel.h"
#include "broker/runtime/log.h"
#include "broker/runtime/spawn.h"

namespace warren::frontend {

namespace asio = boost::asio;

namespace {

constexpr Milliseconds probe_every{2000};

// IPv4 clients of a dual-stack listener show as IPv4.
asio::ip::address plain(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address;
}

std::uint64_t wall_clock_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

void Connection::start(const std::shared_ptr<Hub>& hub, Socket socket, std::uint64_t key,
                       bool refused) {
  auto connection = std::make_shared<Connection>(hub, std::move(socket), key);
  hub->connections[key] = connection;
  connection->refused_ = refused;
  connection->set_deadline(Deadline::handshake, hub->settings.handshake_timeout);
  runtime::spawn(hub->reactor, "connection " + connection->name_, read(connection));
}

Connection::Connection(std::shared_ptr<Hub> hub, Socket socket, std::uint64_t key)
    : hub_owner_(std::move(hub)),
      hub_(*hub_owner_),
      socket_(std::move(socket)),
      key_(key),
      connected_at_ms_(wall_clock_ms()),
      parser_(hub_.settings.initial_frame_max),
      wake_(hub_.reactor.io()),
      writer_(output_, hub_.settings.initial_frame_max) {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto peer = socket_.remote_endpoint(ignored);
  const auto local = socket_.local_endpoint(ignored);
  loopback_ = plain(peer.address()).is_loopback();
  peer_host_ = plain(peer.address()).to_string();
  host_ = plain(local.address()).to_string();
  peer_port_ = peer.port();
  port_ = local.port();
  name_ = fmt::format("{}:{} -> {}:{}", peer_host_, peer_port_, host_, port_);
}

Connection::~Connection() {
  hub_.input_octets -= input_capacity_;
  abort_channels();
}

const std::shared_ptr<const catalog::Snapshot>& Connection::catalog() {
  if (catalog_ == nullptr) catalog_ = hub_.door.catalog();
  return catalog_;
}

void Connection::set_deadline(Deadline what, Milliseconds after) {
  deadline_ = what;
  deadline_at_ = hub_.reactor.now() + after;
}

void Connection::on_tick(BootTime now) {
  if (state_ == State::closed) return;
  if (deadline_ != Deadline::none && now >= deadline_at_) {
    if (deadline_ == Deadline::handshake)
      runtime::log_warning("connection {}: no complete handshake in time", name_);
    abort_channels();
    return close_socket();
  }
  const std::vector<std::pair<ChannelNumber, std::shared_ptr<Channel>>> channels(channels_.begin(),
                                                                                 channels_.end());
  for (const auto& [number, channel] : channels)
    channel->on_tick(now);
  bodies_.retry();
  fetch_parts();
  // Nothing is read, so nothing else would tell; who waits long in vain often tries anew.
  if (alarmed_ && peer_left()) return on_broken("closed by the client");
  if (alarmed_) probe(now);
  if (awaits_reader()) notice_life(now);
  switch (heartbeat_.check(now, state_ == State::running && awaits_cluster())) {
    case Heartbeat::Verdict::nothing:
      return;
    case Heartbeat::Verdict::send:
      // Behind what is not taken it would tell nothing.
      if (state_ != State::running || !output_.empty()) return;
      writer_.heartbeat();
      return touch();
    case Heartbeat::Verdict::peer_gone:
      return on_broken("missed heartbeats from client");
  }
}

// The end of a connection stands behind what its client sent before, and that is not read; but a
// host answers what comes for a socket that is closed with a reset. Without it the alarm may last
// for ever: by a queue that goes with this connection. Clients take a heartbeat at any time.
void Connection::probe(BootTime now) {
  if (state_ != State::running || now - probed_at_ < probe_every || !output_.empty()) return;
  probed_at_ = now;
  writer_.heartbeat();
  touch();
}

bool Connection::peer_left() {
  pollfd asked{socket_.native_handle(), POLLRDHUP, 0};
  return socket_.is_open() && ::poll(&asked, 1, 0) > 0;
}

void Connection::on_alarm_changed() {
  if (hub_.alarm.empty()) alarmed_ = false;
  touch();
}

void Connection::on_publish() {
  alarmed_ = !hub_.alarm.empty() && !leaving_;
  if (alarmed_) touch();  // to say so
}

void Connection::forget(ChannelNumber channel) {
  channels_.erase(channel);
}

void Connection::add_held(std::int64_t octets) {
  held_octets_ = static_cast<std::size_t>(static_cast<std::int64_t>(held_octets_) + octets);
  touch();
}

void Connection::add_backlog(std::int64_t octets) {
  backlog_octets_ = static_cast<std::size_t>(static_cast<std::int64_t>(backlog_octets_) + octets);
  touch();
}

void Connection::add_uploading(std::int64_t octets) {
  uploading_octets_ =
      static_cast<std::size_t>(static_cast<std::int64_t>(uploading_octets_) + octets);
  touch();
}

void Connection::send_body(ChannelNumber channel, OutgoingBody body) {
  bodies_.send(channel, std::move(body));
  touch();
}

void Connection::await_routable() {
  if (std::exchange(awaiting_routable_, true)) return;
  hub_.door.when_routable([weak = weak_from_this()] {
    std::shared_ptr<Connection> self = weak.lock();
    if (self == nullptr) return;
    self->awaiting_routable_ = false;
    self->forget_catalog();
    const auto channels = self->channels_;
    for (const auto& [number, channel] : channels)
      channel->on_routable();
    self->touch();
  });
}

void Connection::await_writable(GroupId group) {
  if (!unwritable_.insert(group).second) return;
  hub_.door.when_writable(group, [weak = weak_from_this(), group] {
    std::shared_ptr<Connection> self = weak.lock();
    if (self == nullptr) return;
    self->unwritable_.erase(group);
    self->touch();
  });
}

// connection.blocked, once, to those who understand it; for as long as it holds.
void Connection::update_blocked() {
  if (!peer_can_.connection_blocked || state_ != State::running) return;
  std::string reason;
  if (alarmed_) reason = hub_.alarm;
  if (held_octets_ >= hub_.settings.publish_hold_octets)
    reason = "the cluster cannot route publishes";
  if (!reason.empty() && !told_blocked_)
    writer_.method(ChannelNumber{0}, amqp::ConnectionBlocked{reason});
  if (reason.empty() && told_blocked_)
    writer_.method(ChannelNumber{0}, amqp::ConnectionUnblocked{});
  told_blocked_ = !reason.empty();
}

ConnectionListing Connection::listing() const {
  static constexpr const char* states[] = {"starting", "starting", "tuning",  "opening", "running",
                                           "closing",  "closing",  "closing", "closed"};
  ConnectionListing out;
  out.key = key_;
  out.name = name_;
  out.peer_host = peer_host_;
  out.host = host_;
  out.peer_port = peer_port_;
  out.port = port_;
  out.user = user_.name;
  out.vhost = vhost_;
  out.auth_mechanism = mechanism_;
  out.state = told_blocked_ || alarmed_ ? "blocked" : states[static_cast<std::size_t>(state_)];
  out.channel_max = tuned_.channel_max;
  out.frame_max = tuned_.frame_max;
  out.heartbeat_seconds = tuned_.heartbeat_seconds;
  out.received_octets = received_octets_;
  out.sent_octets = sent_octets_;
  out.send_pending = output_.size();
  out.connected_at_ms = connected_at_ms_;
  out.client_properties = client_properties_;
  for (const auto& [number, channel] : channels_)
    out.channels.push_back(channel->listing());
  return out;
}

}  // namespace warren::frontend
