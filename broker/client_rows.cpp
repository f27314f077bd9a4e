#include "broker/client_rows.h"

namespace warren {

namespace {

inspect::Arguments arguments_of(const amqp::FieldTable& table) {
  inspect::Arguments out;
  for (const auto& field : table.fields())
    out.push_back(
        {field.name, std::string(amqp::type_name(field.value)), amqp::to_string(field.value)});
  return out;
}

}  // namespace

inspect::Connection row_of(const frontend::ConnectionListing& listing, const std::string& node) {
  inspect::Connection row;
  row.name = listing.name;
  row.node = node;
  row.user = listing.user;
  row.vhost = listing.vhost;
  row.state = listing.state;
  row.auth_mechanism = listing.auth_mechanism;
  row.host = listing.host;
  row.peer_host = listing.peer_host;
  row.port = listing.port;
  row.peer_port = listing.peer_port;
  row.channels = listing.channels.size();
  row.channel_max = listing.channel_max;
  row.frame_max = listing.frame_max;
  row.timeout_s = listing.heartbeat_seconds;
  row.received_octets = listing.received_octets;
  row.sent_octets = listing.sent_octets;
  row.unsent_octets = listing.send_pending;
  row.connected_at_ms = listing.connected_at_ms;
  row.client_properties = arguments_of(listing.client_properties);
  return row;
}

inspect::Channel row_of(const frontend::ConnectionListing& connection,
                        const frontend::ChannelListing& listing, const std::string& node) {
  inspect::Channel row;
  row.connection = connection.name;
  row.number = listing.number.value;
  row.node = node;
  row.user = listing.user;
  row.vhost = listing.vhost;
  row.state = listing.state;
  row.confirm = listing.confirm;
  row.transactional = listing.transactional;
  row.consumer_count = listing.consumers.size();
  row.messages_unacknowledged = listing.unacknowledged;
  row.messages_unconfirmed = listing.unconfirmed;
  row.prefetch_count = listing.prefetch;
  row.global_prefetch_count = listing.global_prefetch;
  return row;
}

inspect::Consumer row_of(const frontend::ConnectionListing& connection,
                         const frontend::ChannelListing& channel,
                         const frontend::ConsumerListing& listing, const std::string& node) {
  inspect::Consumer row;
  row.vhost = channel.vhost;
  row.queue = listing.queue;
  row.tag = listing.tag;
  row.node = node;
  row.user = channel.user;
  row.channel = listing.channel_name;
  row.connection = connection.name;
  row.number = listing.number;
  row.ack_required = listing.ack_required;
  row.exclusive = listing.exclusive;
  row.prefetch_count = listing.prefetch;
  row.arguments = arguments_of(listing.arguments);
  return row;
}

}  // namespace warren
