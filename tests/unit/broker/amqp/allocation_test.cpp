// The paths that every message takes allocate the body and nothing else, once warm.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include "broker/amqp/content.h"
#include "tests/unit/broker/amqp/random_values.h"

namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace warren::amqp {
namespace {

constexpr ChannelNumber channel{1};

// Allocations of one call, after some to warm up.
template <typename Call>
std::size_t allocations_of(Call&& call) {
  for (int i = 0; i < 100; ++i)
    call();
  std::size_t before = allocations;
  call();
  return allocations - before;
}

std::string published(std::string_view exchange, const Bytes& body) {
  OutputBuffer out;
  FrameWriter writer(out, 131072);
  writer.method(channel, BasicPublish{.exchange = exchange, .routing_key = "some.routing.key"});
  BasicProperties properties{.headers = FieldTable{{"k", "v"}}, .delivery_mode = 2};
  writer.content(channel, encode_properties(properties), body);
  return out.to_string();
}

void receive(std::string_view unread, ContentAssembler& content, std::size_t body_size) {
  FrameParser parser(131072);
  while (true) {
    auto frame = parser.next(unread);
    if (!frame || !*frame) break;
    if (content.idle()) {
      auto method = decode_method((*frame)->payload);
      content.begin(std::get<BasicPublish>(*method));
    } else if (content.add(**frame).value()) {
      CHECK(content.take().body.size() == body_size);
    }
  }
}

TEST(Allocation, PublishAllocatesTheBodyOnly) {
  ContentAssembler content(1 << 20);
  for (std::size_t size : {std::size_t{1}, std::size_t{1024}, std::size_t{100000}}) {
    std::string octets = published(std::string(100, 'e'), Bytes(std::string(size, 'b')));
    EXPECT_EQ(allocations_of([&] { receive(octets, content, size); }), 1u) << size;
  }
}

TEST(Allocation, PublishWithoutABodyAllocatesNothing) {
  ContentAssembler content(1 << 20);
  std::string octets = published("ex", Bytes());
  EXPECT_EQ(allocations_of([&] { receive(octets, content, 0); }), 0u);
}

TEST(Allocation, DeliverAllocatesNothing) {
  OutputBuffer out;
  FrameWriter writer(out, 131072);
  std::string raw = octets("\x10\0\2");
  for (std::size_t size : {std::size_t{10}, std::size_t{1024}, std::size_t{300000}}) {
    Bytes body(std::string(size, 'b'));
    auto deliver = [&] {
      for (std::uint64_t tag = 1; tag <= 50; ++tag) {
        writer.method(channel, BasicDeliver{.consumer_tag = "consumer",
                                            .delivery_tag = tag,
                                            .exchange = "exchange",
                                            .routing_key = "key"});
        writer.content(channel, raw, body);
      }
      std::array<OutputBuffer::Piece, 16> pieces;
      while (std::size_t count = out.gather(pieces)) {
        std::size_t written = 0;
        for (std::size_t i = 0; i < count; ++i)
          written += pieces[i].size;
        out.consume(written - written / 3);
      }
    };
    EXPECT_EQ(allocations_of(deliver), 0u) << size;
  }
}

TEST(Allocation, SettlingDecodesAndConfirmsWithoutAllocating) {
  std::string ack = octets("\0\x3c\0\x50\0\0\0\0\0\0\1\2\1");
  std::string nack = octets("\0\x3c\0\x78\0\0\0\0\0\0\1\2\1");
  OutputBuffer out;
  EXPECT_EQ(allocations_of([&] {
              CHECK(std::get<BasicAck>(*decode_method(ack)).multiple);
              CHECK(std::get<BasicNack>(*decode_method(nack)).multiple);
              encode(BasicAck{.delivery_tag = 1}, channel, out);
              out.consume(out.size());
            }),
            0u);
}

}  // namespace
}  // namespace warren::amqp
