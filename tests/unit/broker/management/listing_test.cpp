#include "broker/management/listing.h"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "broker/management/arguments.h"

namespace warren::management {
namespace {

namespace json = boost::json;

json::array rows() {
  return {json::object{{"name", "b"}, {"n", 10}}, json::object{{"name", "a"}, {"n", 9}},
          json::object{{"name", "abc"}, {"n", 11}}};
}

std::string ask(std::map<std::string, std::string> query) {
  Request request;
  request.query = std::move(query);
  const Response response = list_response(request, rows());
  return (response.status == 200 ? "" : std::to_string(response.status) + " ") +
         json::serialize(response.body);
}

TEST(Listing, SortsNumbersAsNumbers) {
  EXPECT_EQ(ask({{"sort", "n"}, {"columns", "n"}}), R"([{"n":9},{"n":10},{"n":11}])");
  EXPECT_EQ(ask({{"sort", "name"}, {"sort_reverse", "true"}, {"columns", "name"}}),
            R"([{"name":"b"},{"name":"abc"},{"name":"a"}])");
}

TEST(Listing, FiltersByNameOrRegex) {
  EXPECT_EQ(ask({{"name", "b"}, {"columns", "name"}}), R"([{"name":"b"},{"name":"abc"}])");
  EXPECT_EQ(ask({{"name", "^A"}, {"use_regex", "true"}, {"columns", "name"}}),
            R"([{"name":"a"},{"name":"abc"}])");
  EXPECT_TRUE(ask({{"name", "("}, {"use_regex", "true"}}).starts_with("400 "));
  EXPECT_TRUE(ask({{"name", std::string(2000, 'a')}}).starts_with("400 "));
}

TEST(Listing, Pages) {
  EXPECT_EQ(ask({{"page", "2"}, {"page_size", "2"}, {"columns", "name"}}),
            R"({"total_count":3,"item_count":1,"filtered_count":3,"page":2,"page_size":2,)"
            R"("page_count":2,"items":[{"name":"abc"}]})");
  EXPECT_TRUE(ask({{"page", "1"}, {"page_size", "501"}}).starts_with("400 "));
  EXPECT_TRUE(ask({{"page", "9"}}).starts_with("400 "));
  EXPECT_TRUE(ask({{"page", "x"}}).starts_with("400 "));
  EXPECT_TRUE(ask({{"page", "1"}, {"pagination", "false"}}).contains(R"("item_count":3)"));
}

TEST(Arguments, KeepTheirTypesInJson) {
  EXPECT_EQ(json::serialize(arguments_json({{"a", "long", "-5"},
                                            {"b", "longstr", "5"},
                                            {"c", "bool", "true"},
                                            {"d", "table", "{\"x\":1}"},
                                            {"e", "void", ""},
                                            {"a", "long", "6"}})),
            R"({"a":-5,"b":"5","c":true,"d":{"x":1},"e":null})");
}

TEST(Arguments, GiveTheBindingsKeyAHash) {
  inspect::Binding binding{.routing_key = "k"};
  EXPECT_EQ(properties_key(binding), "k");
  binding.arguments = {{"x", "long", "1"}};
  const std::string one = properties_key(binding);
  EXPECT_TRUE(one.starts_with("k~"));
  binding.arguments[0].value = "2";
  EXPECT_NE(properties_key(binding), one);
}

TEST(Request, TakesTargetsApart) {
  const auto request = parse_target("/api/queues/%2F/a%20b/?name=x%26y");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->path, (std::vector<std::string>{"queues", "/", "a b"}));
  EXPECT_EQ(request->at("name"), "x&y");
  EXPECT_FALSE(parse_target("/"));
  EXPECT_FALSE(parse_target("/other"));
  EXPECT_FALSE(parse_target("/api/%zz"));
  EXPECT_FALSE(parse_target("nonsense"));
}

}  // namespace
}  // namespace warren::management
