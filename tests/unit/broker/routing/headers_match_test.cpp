#include "broker/routing/headers_match.h"

#include <gtest/gtest.h>

#include <map>

namespace warren::routing {
namespace {

class FakeHeaders final : public HeaderView {
 public:
  FakeHeaders(std::initializer_list<HeaderField> fields) {
    for (const HeaderField& field : fields)
      fields_[field.name] = field;
  }
  std::optional<HeaderValue> lookup(std::string_view name) const override {
    auto found = fields_.find(name);
    if (found == fields_.end()) return std::nullopt;
    return HeaderValue{found->second.type, found->second.value};
  }
  std::optional<std::string_view> property(std::string_view) const override { return {}; }

 private:
  std::map<std::string, HeaderField, std::less<>> fields_;
};

HeaderField text(std::string name, std::string value) {
  return {std::move(name), "longstr", std::move(value)};
}
HeaderField mode(std::string value) {
  return text("x-match", std::move(value));
}

bool matches(std::vector<HeaderField> arguments, const FakeHeaders& headers) {
  auto pattern = HeaderPattern::from(arguments);
  EXPECT_TRUE(pattern.has_value());
  return pattern && pattern->matches(&headers);
}

TEST(HeadersMatch, AllNeedsEveryField) {
  const std::vector arguments{mode("all"), text("a", "1"), text("b", "2")};
  EXPECT_TRUE(matches(arguments, {text("a", "1"), text("b", "2"), text("c", "3")}));
  EXPECT_FALSE(matches(arguments, {text("a", "1")}));
  EXPECT_FALSE(matches(arguments, {text("a", "1"), text("b", "3")}));
}

TEST(HeadersMatch, AllIsMeantWhenNothingIsSaid) {
  EXPECT_FALSE(matches({text("a", "1"), text("b", "2")}, {text("a", "1")}));
  EXPECT_TRUE(matches({}, {}));
}

TEST(HeadersMatch, AnyNeedsOneField) {
  const std::vector arguments{mode("any"), text("a", "1"), text("b", "2")};
  EXPECT_TRUE(matches(arguments, {text("b", "2")}));
  EXPECT_FALSE(matches(arguments, {text("b", "1")}));
  EXPECT_FALSE(matches({mode("any")}, {text("b", "1")}));
}

TEST(HeadersMatch, FieldsThatBeginWithXAreIgnoredUnlessAskedFor) {
  EXPECT_TRUE(matches({mode("all"), text("x-a", "1")}, {}));
  EXPECT_FALSE(matches({mode("any"), text("x-a", "1")}, {text("x-a", "1")}));
  EXPECT_FALSE(matches({mode("all-with-x"), text("x-a", "1")}, {}));
  EXPECT_TRUE(matches({mode("all-with-x"), text("x-a", "1")}, {text("x-a", "1")}));
  EXPECT_TRUE(matches({mode("any-with-x"), text("x-a", "1"), text("b", "2")}, {text("x-a", "1")}));
}

TEST(HeadersMatch, FieldWithoutAValueAsksForPresence) {
  EXPECT_TRUE(matches({{"a", "void", ""}}, {text("a", "anything")}));
  EXPECT_FALSE(matches({{"a", "void", ""}}, {text("b", "anything")}));
}

TEST(HeadersMatch, IntegersOfAllWidthsCompareAndOtherTypesDoNot) {
  EXPECT_TRUE(matches({{"n", "long", "5"}}, {{"n", "byte", "5"}}));
  EXPECT_TRUE(matches({{"n", "unsignedshort", "5"}}, {{"n", "signedint", "5"}}));
  EXPECT_TRUE(matches({{"n", "long", "5"}}, {{"n", "double", "5"}}));
  EXPECT_TRUE(matches({{"n", "float", "0.5"}}, {{"n", "double", "0.5"}}));
  EXPECT_FALSE(matches({{"n", "long", "5"}}, {text("n", "5")}));
  EXPECT_FALSE(matches({{"n", "bool", "true"}}, {text("n", "true")}));
}

TEST(HeadersMatch, MessageWithoutHeadersMatchesOnlyTheEmptyPattern) {
  const std::vector some{text("a", "1")};
  EXPECT_TRUE(HeaderPattern::from({})->matches(nullptr));
  EXPECT_FALSE(HeaderPattern::from(some)->matches(nullptr));
}

TEST(HeadersMatch, UnknownMatchIsRefused) {
  const std::vector bad{mode("some")};
  EXPECT_EQ(HeaderPattern::from(bad).error(),
            (Error{ReplyCode::precondition_failed,
                   "Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or "
                   "any-with-x"}));
  const std::vector number{HeaderField{"x-match", "long", "1"}};
  EXPECT_EQ(HeaderPattern::from(number).error(),
            (Error{ReplyCode::precondition_failed,
                   "Invalid x-match field type long (value 1); expected longstr"}));
}

TEST(HeadersTable, BindingsOfOneTargetAreTakenApartByTheirArguments) {
  HeadersTable table;
  const std::vector first{text("a", "1")}, second{text("b", "2")};
  const Target target{QueueId(1), {}};
  table.add(target, identity_of(first), *HeaderPattern::from(first));
  table.add(target, identity_of(second), *HeaderPattern::from(second));
  table.add(target, identity_of(second), *HeaderPattern::from(second));
  auto count = [&](const FakeHeaders& headers) {
    std::vector<QueueId> queues;
    Matched matched{queues, {}};
    table.match(&headers, matched);
    return queues.size();
  };
  EXPECT_EQ(count({text("a", "1"), text("b", "2")}), 2u);
  table.remove(target, identity_of(first));
  EXPECT_EQ(count({text("a", "1")}), 0u);
  table.remove(target, identity_of(second));
  EXPECT_EQ(count({text("b", "2")}), 1u);
  table.remove(target, identity_of(second));
  EXPECT_EQ(count({text("b", "2")}), 0u);
  table.remove(target, identity_of(second));
}

TEST(HeadersTable, IdentityIgnoresTheOrderOfArguments) {
  EXPECT_EQ(identity_of(std::vector{text("a", "1"), text("b", "2")}),
            identity_of(std::vector{text("b", "2"), text("a", "1")}));
  EXPECT_NE(identity_of(std::vector{text("a", "1")}), identity_of(std::vector{text("a", "2")}));
}

}  // namespace
}  // namespace warren::routing
