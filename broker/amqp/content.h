// ContentAssembler: puts a published message together from its method, header and body frames. One
// per channel, owned by it. A body over piece_octets can be taken piece by piece as it comes.
// Allocates the body and nothing else once it has warmed up. Pure: the channel's reactor.
// Source: AMQP 0-9-1 §4.2.6; error texts as RabbitMQ's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/amqp/frame.h"
#include "broker/amqp/properties.h"
#include "broker/base/bytes.h"
#include "broker/base/result.h"

namespace warren::amqp {

// No configuration lifts this one; a larger body-size is a frame error.
inline constexpr std::uint64_t body_size_limit = 512ull * 1024 * 1024;

// The views live until the assembler's next begin(); the body as long as its holder.
struct PublishedMessage {
  std::string_view exchange;
  std::string_view routing_key;
  bool mandatory = false;
  bool immediate = false;
  std::string_view raw_properties;  // checked; see properties.h
  PropertyScan properties;          // of raw_properties
  Bytes body;
};

class ContentAssembler {
 public:
  // max_message_size in octets of body. REQUIRES: piece_octets > 0.
  explicit ContentAssembler(std::uint64_t max_message_size,
                            std::uint64_t piece_octets = body_size_limit)
      : max_message_size_(max_message_size), piece_octets_(piece_octets) {}

  ContentAssembler(const ContentAssembler&) = delete;
  ContentAssembler& operator=(const ContentAssembler&) = delete;

  // No content is under way: the channel's next frame must be a method.
  bool idle() const { return state_ == State::idle; }

  // Copies what it needs of the method. REQUIRES: idle().
  void begin(const BasicPublish& method);

  // For every frame of the channel but methods while idle(). True: the message is whole, take() it.
  // Errors: 505 a frame out of order, 501 body longer than declared or than body_size_limit, bad
  // properties, and, once the whole body has passed, 406 for max_message_size. After 406 it is
  // idle(); after the others the connection is over.
  Result<bool> add(const Frame& frame);

  // REQUIRES: add() returned true just before. The body is what was not taken in pieces, and not
  // empty unless the whole body is.
  PublishedMessage take();

  // The header has come, and the body is long enough to be taken in pieces.
  bool in_pieces() const { return state_ == State::body && is_large(); }
  // The message without its body. REQUIRES: in_pieces().
  PublishedMessage head() const;
  // piece_octets, or somewhat more, are here, and they are not the last. REQUIRES: in_pieces().
  bool has_piece() const { return stored_ >= piece_octets_; }
  Bytes take_piece();

  // Forgets what is under way, as when the channel closes.
  void reset();

 private:
  enum class State : std::uint8_t { idle, header, body, whole };

  Result<bool> add_header(std::string_view payload);
  Result<void> keep_properties(std::string_view raw);
  Result<bool> add_body(std::string_view payload);
  Result<bool> finish_if_whole();
  void store(std::string_view payload);
  void make_room(std::uint64_t needed, std::uint64_t coming);
  bool is_large() const { return declared_ > piece_octets_ && declared_ <= max_message_size_; }
  PublishedMessage message() const;
  Bytes take_stored();
  std::string_view raw_properties() const;

  std::uint64_t max_message_size_;
  std::uint64_t piece_octets_;
  State state_ = State::idle;
  bool mandatory_ = false;
  bool immediate_ = false;
  std::size_t exchange_size_ = 0;
  std::size_t names_size_ = 0;  // exchange and routing key
  std::string scratch_;         // exchange, routing key, raw properties; keeps its capacity
  PropertyScan scan_;
  std::uint64_t declared_ = 0;
  std::uint64_t received_ = 0;
  std::shared_ptr<char[]> body_;  // what was received and not taken
  std::uint64_t stored_ = 0;
  std::uint64_t capacity_ = 0;
};

}  // namespace warren::amqp
