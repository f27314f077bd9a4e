#include <fmt/format.h>

#include <utility>

#include "broker/frontend/channel.h"
#include "broker/frontend/connection.h"
#include "broker/runtime/log.h"

namespace warren::frontend {

namespace {

Error unexpected(const amqp::Frame& frame) {
  return {ReplyCode::unexpected_frame,
          amqp::frame_text(static_cast<std::uint8_t>(frame.type), frame.payload)};
}

std::unexpected<Error> no_access(std::string_view vhost, std::string_view user) {
  return fail(ReplyCode::not_allowed,
              fmt::format("access to vhost '{}' refused for user '{}'", vhost, user));
}

}  // namespace

void Connection::on_frame(const amqp::Frame& frame) {
  if (frame.type == amqp::FrameType::heartbeat) {
    const Result<void> good = amqp::check_heartbeat(frame);
    if (!good && state_ <= State::running) fail(frame.channel, good.error(), {});
    return;
  }
  if (state_ > State::running) {
    if (frame.channel == ChannelNumber{0} && frame.type == amqp::FrameType::method)
      on_closing_method(frame.payload);
    return;
  }
  if (frame.channel != ChannelNumber{0}) return on_channel_frame(frame);
  if (frame.type == amqp::FrameType::method) return on_connection_method(frame.payload);
  fail(frame.channel, unexpected(frame), {});
}

void Connection::on_connection_method(std::string_view payload) {
  Result<amqp::Method> method = amqp::decode_method(payload);
  if (!method) return fail(ChannelNumber{0}, method.error(), amqp::peek_method(payload));
  if (std::holds_alternative<amqp::ConnectionClose>(*method)) return on_client_close();
  if (Result<void> done = on_handshake_method(*method); !done)
    fail(ChannelNumber{0}, done.error(), amqp::info_of(*method));
}

Result<void> Connection::on_handshake_method(const amqp::Method& method) {
  if (const auto* ok = std::get_if<amqp::ConnectionStartOk>(&method);
      ok != nullptr && state_ == State::starting)
    return on_start_ok(*ok);
  if (const auto* ok = std::get_if<amqp::ConnectionTuneOk>(&method);
      ok != nullptr && state_ == State::tuning)
    return on_tune_ok(*ok);
  if (const auto* open = std::get_if<amqp::ConnectionOpen>(&method);
      open != nullptr && state_ == State::opening)
    return on_open(*open);
  if (const auto* update = std::get_if<amqp::ConnectionUpdateSecret>(&method);
      update != nullptr && state_ == State::running)
    return on_update_secret(*update);
  const char* state = state_ == State::running   ? "running"
                      : state_ == State::opening ? "opening"
                      : state_ == State::tuning  ? "tuning"
                                                 : "starting";
  return warren::fail(ReplyCode::channel_error,
                      fmt::format("unexpected method in connection state {}", state));
}

Result<User> Connection::log_in(const Credentials& credentials) {
  Result<User> user = hub_.authenticator.authenticate(*catalog(), credentials, peer_host_);
  if (user && !may_come_from(hub_.settings, user->name, loopback_))
    return warren::fail(ReplyCode::access_refused, "user can only connect via localhost");
  return user;
}

Result<void> Connection::on_start_ok(const amqp::ConnectionStartOk& method) {
  client_properties_ = method.client_properties;
  peer_can_ = read_capabilities(client_properties_);
  mechanism_ = method.mechanism;
  Result<Credentials> credentials = read_response(hub_.settings, method);
  if (!credentials) return std::unexpected(credentials.error());
  Result<User> user = log_in(*credentials);
  if (!user) {
    runtime::log_warning("connection {}: {} login of user '{}' refused: {}", name_, mechanism_,
                         credentials->user, user.error().text);
    if (peer_can_.authentication_failure_close)
      fail(ChannelNumber{0}, login_refused(mechanism_), {});
    else
      close_socket();
    return {};
  }
  user_ = std::move(*user);
  const Settings& ours = hub_.settings;
  writer_.method(ChannelNumber{0},
                 amqp::ConnectionTune{ours.channel_max, ours.frame_max, ours.heartbeat_seconds});
  state_ = State::tuning;
  touch();
  return {};
}

Result<void> Connection::on_tune_ok(const amqp::ConnectionTuneOk& method) {
  Result<Tuned> tuned = negotiate(hub_.settings, method);
  if (!tuned) return std::unexpected(tuned.error());
  tuned_ = *tuned;
  parser_.set_frame_max(tuned_.frame_max);
  writer_.set_frame_max(tuned_.frame_max);
  heartbeat_.start(std::chrono::seconds(tuned_.heartbeat_seconds), hub_.reactor.now());
  state_ = State::opening;
  return {};
}

Result<void> Connection::on_open(const amqp::ConnectionOpen& method) {
  const std::string& vhost = method.virtual_host;
  if (refused_)
    return warren::fail(ReplyCode::not_allowed,
                        fmt::format("connection refused: node connection limit ({}) is reached",
                                    hub_.settings.connection_max));
  if (!catalog()->vhost_exists(vhost))
    return warren::fail(ReplyCode::not_allowed, fmt::format("vhost {} not found", vhost));
  if (catalog()->permission(user_.name, vhost) == nullptr) return no_access(vhost, user_.name);
  vhost_ = vhost;
  permissions_.set(user_.name, vhost_);
  deadline_ = Deadline::none;
  state_ = State::running;
  writer_.method(ChannelNumber{0}, amqp::ConnectionOpenOk{});
  touch();
  runtime::log_info("connection {}: user '{}' authenticated and granted access to vhost '{}'",
                    name_, user_.name, vhost_);
  return {};
}

Result<void> Connection::on_update_secret(const amqp::ConnectionUpdateSecret& method) {
  Result<User> user = log_in({user_.name, method.new_secret.value});
  if (!user)
    return warren::fail(ReplyCode::not_allowed, "New secret was refused by one of the backends");
  if (catalog()->permission(user_.name, vhost_) == nullptr) return no_access(vhost_, user_.name);
  user_ = std::move(*user);
  permissions_.set(user_.name, vhost_);
  for (const auto& [number, channel] : channels_)
    channel->cancel_unreadable();
  writer_.method(ChannelNumber{0}, amqp::ConnectionUpdateSecretOk{});
  touch();
  return {};
}

void Connection::on_channel_frame(const amqp::Frame& frame) {
  if (state_ != State::running) return fail(frame.channel, unexpected(frame), {});
  auto found = channels_.find(frame.channel);
  if (found == channels_.end()) return open_channel(frame);
  const std::shared_ptr<Channel> channel = found->second;
  channel->on_frame(frame);
}

void Connection::open_channel(const amqp::Frame& frame) {
  if (frame.type != amqp::FrameType::method)
    return fail(
        frame.channel,
        {ReplyCode::unexpected_frame, "expected method frame, got non method frame instead"}, {});
  const amqp::MethodInfo method = amqp::peek_method(frame.payload);
  if (method.key() != amqp::ChannelOpen::info.key())
    return fail(frame.channel, {ReplyCode::channel_error, "expected 'channel.open'"}, method);
  if (channels_.size() >= tuned_.channel_max)
    return fail(frame.channel,
                {ReplyCode::not_allowed,
                 fmt::format("number of channels opened ({}) has reached the negotiated "
                             "channel_max ({})",
                             channels_.size(), tuned_.channel_max)},
                {});
  channels_[frame.channel] = std::make_shared<Channel>(*this, frame.channel);
  out(frame.channel).method(frame.channel, amqp::ChannelOpenOk{});
  touch();
}

}  // namespace warren::frontend
