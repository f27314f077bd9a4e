#include "broker/ctl/format.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace warren::ctl {
namespace {

Table table() {
  return {{"name", "arguments"},
          {{"a,b", boost::json::parse(R"({"x-max-length":10,"k":"v"})")},
           {"c", boost::json::parse("{}")}}};
}

TEST(Format, TableIsTabSeparatedWithErlangTerms) {
  EXPECT_EQ(format_table(table(), Formatter::table, true),
            "name\targuments\na,b\t[{\"x-max-length\",10},{\"k\",\"v\"}]\nc\t[]\n");
  EXPECT_EQ(format_table(table(), Formatter::table, false).substr(0, 4), "a,b\t");
}

TEST(Format, NoRowsNoHeader) {
  EXPECT_EQ(format_table({{"name"}, {}}, Formatter::table, true), "");
  EXPECT_EQ(format_table({{"name"}, {}}, Formatter::pretty_table, true), "");
  EXPECT_EQ(format_table({{"name"}, {}}, Formatter::json, true), "[\n]\n");
}

TEST(Format, CsvQuotesWhatItMust) {
  EXPECT_EQ(format_table({{"name"}, {{"a,\"b\""}}}, Formatter::csv, true),
            "name\n\"a,\"\"b\"\"\"\n");
}

TEST(Format, JsonKeepsTypes) {
  EXPECT_EQ(format_table({{"n", "d"}, {{5, true}, {6, nullptr}}}, Formatter::json, true),
            "[\n{\"n\":5,\"d\":true}\n,{\"n\":6,\"d\":null}\n]\n");
}

TEST(Format, ErlangPrintsPropertyLists) {
  EXPECT_EQ(format_table({{"name", "n"}, {{"q", 1}}}, Formatter::erlang, true),
            "[[{name,<<\"q\">>},{n,1}]]\n");
}

TEST(Format, PrettyTableCountsCharactersNotOctets) {
  EXPECT_EQ(format_table({{"n"}, {{"é"}}}, Formatter::pretty_table, true),
            "┌───┐\n│ n │\n├───┤\n│ é │\n└───┘\n");
}

TEST(Format, ANameCannotBreakTheTerminal) {
  EXPECT_EQ(cell_text(boost::json::value("a\tb\x1b[2J\n")), "a\\011b\\033[2J\\012");
}

TEST(Format, ListsOfWordsAreBare) {
  EXPECT_EQ(cell_text(boost::json::parse(R"(["administrator","x"])")), "[administrator, x]");
}

TEST(Format, KnowsItsFormatters) {
  EXPECT_EQ(formatter_named("csv"), Formatter::csv);
  EXPECT_FALSE(formatter_named("xml"));
}

}  // namespace
}  // namespace warren::ctl
