// An Inspector that answers at once from tables in memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/inspect/inspector.h"

namespace warren::management {

struct FakeInspector : inspect::Inspector {
  std::vector<inspect::Queue> queue_rows;
  std::vector<inspect::Exchange> exchange_rows;
  std::vector<inspect::Binding> binding_rows;
  std::vector<inspect::Connection> connection_rows;
  std::vector<inspect::Channel> channel_rows;
  std::vector<inspect::Consumer> consumer_rows;
  std::vector<inspect::Permission> permission_rows;
  std::vector<inspect::Vhost> vhost_rows{{.name = "/"}};
  std::vector<inspect::User> user_rows;
  std::vector<inspect::Node> node_rows;
  std::vector<inspect::Group> group_rows;
  std::vector<inspect::GroupDigest> digest_rows;
  inspect::Status state;
  std::map<std::string, inspect::Login> logins{{"guest", {"guest", {"administrator"}}}};

  template <typename Row>
  static void give(const std::string& vhost, const std::vector<Row>& rows,
                   inspect::Done<Row>& done) {
    std::vector<Row> out;
    for (const Row& row : rows) {
      if constexpr (requires { row.vhost; }) {
        if (!vhost.empty() && row.vhost != vhost) continue;
      }
      out.push_back(row);
    }
    done(std::move(out));
  }

  using S = const std::string&;
  void collect(S v, inspect::Done<inspect::Queue> d) override { give(v, queue_rows, d); }
  void collect(S v, inspect::Done<inspect::Exchange> d) override { give(v, exchange_rows, d); }
  void collect(S v, inspect::Done<inspect::Binding> d) override { give(v, binding_rows, d); }
  void collect(S v, inspect::Done<inspect::Connection> d) override { give(v, connection_rows, d); }
  void collect(S v, inspect::Done<inspect::Channel> d) override { give(v, channel_rows, d); }
  void collect(S v, inspect::Done<inspect::Consumer> d) override { give(v, consumer_rows, d); }
  void collect(S v, inspect::Done<inspect::Permission> d) override { give(v, permission_rows, d); }
  void collect(S v, inspect::Done<inspect::Vhost> d) override { give(v, vhost_rows, d); }
  void collect(S v, inspect::Done<inspect::User> d) override { give(v, user_rows, d); }
  void collect(S v, inspect::Done<inspect::Node> d) override { give(v, node_rows, d); }
  void collect(S v, inspect::Done<inspect::Group> d) override { give(v, group_rows, d); }
  void collect(S v, inspect::Done<inspect::GroupDigest> d) override { give(v, digest_rows, d); }
  void status(std::move_only_function<void(inspect::Status)> done) override { done(state); }
  std::optional<inspect::Login> login(S user, S password, bool loopback) override {
    const auto found = logins.find(user);
    if (found == logins.end() || password != user || !loopback) return std::nullopt;
    return found->second;
  }
};

}  // namespace warren::management
