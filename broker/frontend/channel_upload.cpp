// Publishes with large bodies: their pieces go to the queues' groups as they come.
#include <utility>

#include "broker/frontend/channel_inline.h"

namespace warren::frontend {

Channel::Done Channel::on_pieces() {
  if (!upload_) {
    const amqp::PublishedMessage head = content_.head();
    if (head.immediate) return warren::fail(ReplyCode::not_implemented, "immediate=true");
    upload_.emplace();
    upload_->id = queue::upload_of(key_, ++last_upload_);
    upload_->confirm_tag = confirms_.selected() ? confirms_.next() : 0;
    if (held_.empty() && connection_.hub().door.may_route())
      if (Done done = route_upload(*upload_, head); !done) return done;
  }
  if (content_.has_piece()) add_piece(*upload_, content_.take_piece());
  return {};
}

// By the bindings of now, for the whole of the message.
Channel::Done Channel::route_upload(Upload& upload, amqp::PublishedMessage head) {
  std::string edited;
  address_reply(head, edited);
  if (Done done = find_queues(head); !done) return done;
  upload.to = destinations();
  upload.returns = head.mandatory && !upload.to.found;
  if (!upload.to.groups.empty())
    upload.way = Upload::Way::ahead;
  else
    upload.way =
        upload.returns || !upload.to.replies.empty() ? Upload::Way::kept : Upload::Way::nowhere;
  upload.octets = 0;
  for (Bytes& piece : std::exchange(upload.pieces, {})) {
    connection_.add_held(-static_cast<std::int64_t>(piece.size()));
    add_piece(upload, std::move(piece));
  }
  return {};
}

Channel::Done Channel::route_held(const HeldPublish& held) {
  const amqp::PublishedMessage message = message_of(held);
  if (held.pieces.empty()) return route(message, held.confirm_tag, &held.content);
  Upload upload;
  upload.id = queue::upload_of(key_, ++last_upload_);
  upload.confirm_tag = held.confirm_tag;
  upload.pieces = held.pieces;
  for (const Bytes& piece : held.pieces)
    connection_.add_held(static_cast<std::int64_t>(piece.size()));
  if (Done done = route_upload(upload, message); !done) {
    for (const Bytes& piece : held.pieces)
      connection_.add_held(-static_cast<std::int64_t>(piece.size()));
    return done;
  }
  return end_upload(std::move(upload), message, &held.content);
}

void Channel::add_piece(Upload& upload, Bytes piece) {
  const auto size = static_cast<std::int64_t>(piece.size());
  upload.octets += piece.size();
  switch (upload.way) {
    case Upload::Way::ahead:
      for (const Target& target : upload.to.groups) {
        connection_.batch().part(target.group, {{key_, origin_tag(CommandKind::part, piece.size())},
                                                upload.id,
                                                {piece.owner(), {}, {}, {}, piece.view()}});
        count_uploading(size);
      }
      if (upload.returns || !upload.to.replies.empty()) upload.pieces.push_back(std::move(piece));
      return;
    case Upload::Way::unrouted:
      connection_.add_held(size);
      connection_.await_routable();
      [[fallthrough]];
    case Upload::Way::kept:
      upload.pieces.push_back(std::move(piece));
      return;
    case Upload::Way::nowhere:
      return;
  }
}

// `last` has the end of the body.
Channel::Done Channel::end_upload(Upload upload, const amqp::PublishedMessage& last,
                                  const queue::Content* kept) {
  switch (upload.way) {
    case Upload::Way::unrouted:
      hold(last, upload.confirm_tag, std::move(upload.pieces));
      break;
    case Upload::Way::kept:
    case Upload::Way::ahead:
      return enqueue(last, upload.confirm_tag, kept, upload.to, &upload);
    case Upload::Way::nowhere:
      resolve(upload.confirm_tag, true);
      break;
  }
  return {};
}

// The channel is let go: its door drops what has gone ahead.
void Channel::drop_upload() {
  if (upload_ && upload_->way == Upload::Way::unrouted)
    for (const Bytes& piece : upload_->pieces)
      connection_.add_held(-static_cast<std::int64_t>(piece.size()));
  upload_.reset();
  count_uploading(-static_cast<std::int64_t>(uploading_));
}

void Channel::count_uploading(std::int64_t octets) {
  if (octets == 0) return;
  uploading_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(uploading_) + octets);
  connection_.add_uploading(octets);
}

}  // namespace warren::frontend
