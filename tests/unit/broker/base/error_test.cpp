#include "broker/base/error.h"

#include <gtest/gtest.h>

namespace warren {
namespace {

TEST(Error, ScopeFollowsTheCode) {
  for (auto code : {ReplyCode::content_too_large, ReplyCode::no_route, ReplyCode::no_consumers,
                    ReplyCode::access_refused, ReplyCode::not_found, ReplyCode::resource_locked,
                    ReplyCode::precondition_failed})
    EXPECT_EQ(scope_of(code), ErrorScope::channel) << name_of(code);
  for (auto code : {ReplyCode::connection_forced, ReplyCode::invalid_path, ReplyCode::frame_error,
                    ReplyCode::syntax_error, ReplyCode::command_invalid, ReplyCode::channel_error,
                    ReplyCode::unexpected_frame, ReplyCode::resource_error, ReplyCode::not_allowed,
                    ReplyCode::not_implemented, ReplyCode::internal_error})
    EXPECT_EQ(scope_of(code), ErrorScope::connection) << name_of(code);
}

TEST(Error, WireTextNamesTheCode) {
  EXPECT_EQ((Error{ReplyCode::not_found, "no queue 'q' in vhost '/'"}).wire_text(),
            "NOT_FOUND - no queue 'q' in vhost '/'");
}

TEST(Error, WireTextFitsAShortString) {
  const Error error{ReplyCode::precondition_failed, std::string(300, 'x')};
  EXPECT_EQ(error.wire_text().size(), 255u);
  EXPECT_TRUE(error.wire_text().starts_with("PRECONDITION_FAILED - xxx"));
  EXPECT_TRUE(error.wire_text().ends_with("xxx..."));
}

}  // namespace
}  // namespace warren
