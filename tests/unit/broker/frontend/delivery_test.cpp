#include "broker/frontend/delivery.h"

#include <gtest/gtest.h>

#include <vector>

namespace warren::frontend {
namespace {

Handed handed(std::uint64_t tag) {
  return {DeliveryTag(tag),
          GroupId{1},
          QueueId{1},
          {{EntryIndex{tag}, Slot{0}}, {Term{1}, tag}},
          ConsumerNumber{1}};
}

std::vector<std::uint64_t> take(UnackedTable& table, std::uint64_t tag, bool multiple) {
  std::vector<std::uint64_t> taken;
  EXPECT_TRUE(table.take(DeliveryTag(tag), multiple,
                         [&](const Handed& entry) { taken.push_back(entry.tag.value); }));
  return taken;
}

bool known(UnackedTable& table, std::uint64_t tag, bool multiple) {
  return table.take(DeliveryTag(tag), multiple, [](const Handed&) {});
}

TEST(UnackedTable, SingleAndMultipleTakeWhatTheyName) {
  UnackedTable table;
  for (std::uint64_t tag = 1; tag <= 6; ++tag)
    table.add(handed(tag));
  EXPECT_EQ(take(table, 3, false), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(take(table, 4, true), (std::vector<std::uint64_t>{1, 2, 4}));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(take(table, 0, true), (std::vector<std::uint64_t>{5, 6}));
  EXPECT_TRUE(take(table, 0, true).empty());
}

TEST(UnackedTable, UnknownTagsAreRefused) {
  UnackedTable table;
  EXPECT_FALSE(known(table, 1, false));
  EXPECT_FALSE(known(table, 0, false));
  table.add(handed(1));
  table.add(handed(2));
  EXPECT_TRUE(known(table, 2, false));
  EXPECT_FALSE(known(table, 2, false));
  EXPECT_FALSE(known(table, 2, true));
  EXPECT_FALSE(known(table, 3, true));
  EXPECT_EQ(table.size(), 1u);
}

TEST(UnackedTable, TagsMayHaveGaps) {
  UnackedTable table;
  for (std::uint64_t tag : {5, 9, 10, 40})
    table.add(handed(tag));
  EXPECT_FALSE(known(table, 6, false));
  EXPECT_TRUE(known(table, 10, false));
  EXPECT_EQ(take(table, 40, true), (std::vector<std::uint64_t>{5, 9, 40}));
}

TEST(UnackedTable, OneOldMessageDoesNotKeepTheRest) {
  UnackedTable table;
  table.add(handed(1));
  for (std::uint64_t tag = 2; tag < 100'000; ++tag) {
    table.add(handed(tag));
    EXPECT_TRUE(known(table, tag, false));
  }
  EXPECT_EQ(table.size(), 1u);
  EXPECT_TRUE(known(table, 1, false));
}

TEST(UnackedTable, WhatIsRestoredIsFoundAmongTheOthers) {
  UnackedTable table;
  for (std::uint64_t tag = 1; tag <= 6; ++tag)
    table.add(handed(tag));
  std::vector<Handed> taken;
  for (std::uint64_t tag : {5, 1, 3})
    table.take(DeliveryTag(tag), false, [&](const Handed& entry) { taken.push_back(entry); });
  table.restore(taken);
  EXPECT_EQ(table.size(), 6u);
  table.add(handed(7));
  EXPECT_EQ(take(table, 4, true), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  table.restore({});
  EXPECT_EQ(take(table, 0, true), (std::vector<std::uint64_t>{5, 6, 7}));
  table.restore({handed(2)});
  EXPECT_EQ(take(table, 2, false), (std::vector<std::uint64_t>{2}));
}

TEST(UnackedTable, RefusedHoldingsAreMarked) {
  UnackedTable table;
  table.add(handed(1));
  table.add(handed(2));
  const std::vector<queue::Held> gone{handed(2).held};
  table.refuse(QueueId{1}, gone);
  std::vector<bool> refused;
  table.take_all([&](const Handed& entry) { refused.push_back(entry.refused); });
  EXPECT_EQ(refused, (std::vector<bool>{false, true}));
}

using Reported = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // consumer, messages

Reported sent(DeliveryReports& reports, std::uint64_t octets) {
  Reported told;
  reports.on_sent(octets, [&](DeliveryReports::To to, std::uint64_t messages) {
    told.emplace_back(to.consumer.value, messages);
  });
  return told;
}

Reported flushed(DeliveryReports& reports) {
  Reported told;
  reports.flush([&](DeliveryReports::To to, std::uint64_t messages) {
    told.emplace_back(to.consumer.value, messages);
  });
  return told;
}

TEST(DeliveryReports, TellInPiecesWhatTheSocketTook) {
  DeliveryReports reports;
  const std::uint64_t half = DeliveryReports::piece_octets / 2;
  for (std::uint64_t i = 1; i <= 4; ++i)
    reports.add({GroupId{1}, ConsumerNumber{1}}, half, i * half);
  EXPECT_EQ(sent(reports, half), Reported{});
  EXPECT_EQ(sent(reports, 2 * half - 1), Reported{});
  EXPECT_EQ(sent(reports, 2 * half), (Reported{{1, 2}}));
  EXPECT_EQ(sent(reports, 4 * half), (Reported{{1, 2}}));
  EXPECT_EQ(flushed(reports), Reported{});
}

TEST(DeliveryReports, TheClockTellsTheRestOfWhatTheSocketTookAndNoMore) {
  DeliveryReports reports;
  reports.add({GroupId{1}, ConsumerNumber{1}}, 10, 10);
  reports.add({GroupId{1}, ConsumerNumber{2}}, 10, 20);
  reports.add({GroupId{1}, ConsumerNumber{1}}, 10, 30);
  reports.add({GroupId{1}, ConsumerNumber{2}}, 10, 40);
  EXPECT_EQ(sent(reports, 39), Reported{});
  EXPECT_EQ(flushed(reports), (Reported{{1, 2}, {2, 1}}));
  EXPECT_EQ(flushed(reports), Reported{});
  EXPECT_EQ(sent(reports, 40), Reported{});
  EXPECT_EQ(flushed(reports), (Reported{{2, 1}}));
}

}  // namespace
}  // namespace warren::frontend
