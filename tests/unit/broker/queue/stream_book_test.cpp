#include "broker/queue/stream_book.h"

#include <gtest/gtest.h>

namespace warren::queue {
namespace {

StreamBook book_of(std::initializer_list<std::uint64_t> stamps) {
  StreamBook book;
  std::uint64_t ordinal = 0;
  for (std::uint64_t stamp : stamps)
    book.note(Ordinal(ordinal++), Stamp(stamp));
  return book;
}

TEST(StreamBook, FindsWhatCameAtATimeAndNothingLater) {
  const StreamBook book = book_of({10'000, 10'400, 10'999, 11'000, 15'000});
  EXPECT_EQ(book.since(Stamp(0)), Ordinal(0));
  EXPECT_EQ(book.since(Stamp(10'999)), Ordinal(0)) << "within a second, from its first message on";
  EXPECT_EQ(book.since(Stamp(11'000)), Ordinal(3));
  EXPECT_EQ(book.since(Stamp(12'500)), Ordinal(4));
  EXPECT_EQ(book.since(Stamp(15'999)), Ordinal(4));
  EXPECT_EQ(book.since(Stamp(16'000)), std::nullopt);
  EXPECT_EQ(StreamBook().since(Stamp(0)), std::nullopt);
}

TEST(StreamBook, KnowsWhatIsOlderForCertain) {
  const StreamBook book = book_of({10'000, 10'400, 12'000, 15'000});
  EXPECT_EQ(book.before(Stamp(10'999)), std::nullopt);
  EXPECT_EQ(book.before(Stamp(11'000)), Ordinal(2));
  EXPECT_EQ(book.before(Stamp(14'000)), Ordinal(3));
  EXPECT_EQ(book.before(Stamp(99'000)), Ordinal(3)) << "the newest second stays";
}

TEST(StreamBook, ATimeBeforeWhatWentBeginsWithWhatIsKept) {
  StreamBook book = book_of({10'000, 12'000, 14'000, 16'000});
  book.trim(Ordinal(2));
  EXPECT_EQ(book.first(), Ordinal(2));
  EXPECT_EQ(book.runs(), 2u);
  EXPECT_EQ(book.since(Stamp(0)), Ordinal(2));
}

TEST(StreamBook, ASecondOfManyMessagesCostsOneEntry) {
  StreamBook book;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    book.note(Ordinal(i), Stamp(1'000 + i / 100));
  EXPECT_EQ(book.runs(), 1u);
}

TEST(StreamBook, ATagNeverGoesBack) {
  StreamBook book;
  EXPECT_EQ(book.read_through("billing"), std::nullopt);
  book.read_through("billing", Ordinal(7));
  book.read_through("billing", Ordinal(3));
  EXPECT_EQ(book.read_through("billing"), Ordinal(7));
  EXPECT_EQ(book.read_through("mail"), std::nullopt);
}

TEST(StreamBook, ForgetsTheTagThatWasNotHeardOfForLongest) {
  StreamBook book;
  for (std::size_t i = 0; i < StreamBook::most_readers; ++i)
    book.read_through("t" + std::to_string(i), Ordinal(1));
  book.read_through("t0", Ordinal(0));  // its consumer comes again
  book.read_through("one more", Ordinal(1));
  EXPECT_EQ(book.readers(), StreamBook::most_readers);
  EXPECT_EQ(book.read_through("t0"), Ordinal(1));
  EXPECT_EQ(book.read_through("t1"), std::nullopt);
  EXPECT_EQ(book.read_through("one more"), Ordinal(1));
}

TEST(StreamBook, ComesBackAsItWas) {
  StreamBook book = book_of({10'000, 12'000, 14'000});
  book.trim(Ordinal(1));
  book.read_through("billing", Ordinal(2));
  book.read_through("", Ordinal(1));
  ByteWriter out;
  book.encode(out);
  StreamBook copy;
  ByteReader in(out.str());
  ASSERT_TRUE(copy.decode(in));
  EXPECT_TRUE(in.at_end());
  ByteWriter again;
  copy.encode(again);
  EXPECT_EQ(again.str(), out.str());
  EXPECT_EQ(copy.first(), Ordinal(1));
  EXPECT_EQ(copy.read_through("billing"), Ordinal(2));
  for (std::size_t length = 0; length < out.size(); ++length) {
    StreamBook cut;
    ByteReader part(std::string_view(out.str()).substr(0, length));
    EXPECT_FALSE(cut.decode(part)) << length;
  }
}

}  // namespace
}  // namespace warren::queue
