// A front end on a free port over a FakeDoor, for tests that speak raw frames to it.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "broker/frontend/listener.h"
#include "tests/support/fake_door.h"
#include "tests/unit/broker/frontend/client.h"

namespace warren::frontend {

struct Guests final : Authenticator {
  Result<User> authenticate(const catalog::Snapshot&, const Credentials& credentials,
                            std::string_view) override {
    if (credentials.user == "guest" && credentials.password == "guest")
      return User{"guest", {"administrator"}};
    if (credentials.user == "limited" && credentials.password == "limited")
      return User{"limited", {}};
    return fail(ReplyCode::access_refused, "wrong password");
  }
};

class FrontendTest : public testing::Test {
 protected:
  FrontendTest() : reactor_("test"), door_(reactor_) {
    settings_.listeners = {Endpoint{"127.0.0.1", 0}};
    settings_.tick = Milliseconds{20};
    settings_.disconnect_grace = Milliseconds{300};
  }
  ~FrontendTest() override {
    if (group_ != nullptr) {
      std::promise<void> gone;
      group_->stop([&] { gone.set_value(); });
      gone.get_future().wait();
      group_.reset();
    }
    reactor_.stop();
  }
  std::uint16_t port() {
    if (group_ == nullptr)
      group_ = ListenerGroup::open({{reactor_, door_}}, settings_, guests_).value();
    return group_->ports().at(0);
  }
  std::vector<ConnectionListing> listings() {
    std::promise<std::vector<ConnectionListing>> all;
    group_->collect([&](auto found) { all.set_value(std::move(found)); });
    return all.get_future().get();
  }
  std::size_t ready(const std::string& queue) {
    std::size_t count = 0;
    door_.run([&] { count = door_.ready(queue); });
    return count;
  }

  Settings settings_;
  Guests guests_;
  runtime::Reactor reactor_;
  tests::FakeDoor door_;
  std::shared_ptr<ListenerGroup> group_;
};

}  // namespace warren::frontend
