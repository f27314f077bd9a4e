// A founded catalog of three nodes, with short ways to give it commands. For the tests of catalog.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/catalog/catalog.h"

namespace warren::catalog {

inline Argument text(std::string name, std::string value) {
  return {std::move(name), "longstr", std::move(value)};
}
inline Argument number(std::string name, long value, std::string type = "long") {
  return {std::move(name), std::move(type), std::to_string(value)};
}

inline Found three_nodes() {
  Found found;
  found.cluster_id = 77;
  found.cluster_name = "burrow";
  for (std::uint32_t i = 1; i <= 3; ++i)
    found.nodes.push_back({"n" + std::to_string(i), NodeId(i), DiskId(100 + i),
                           "host" + std::to_string(i) + ":25672"});
  found.password_hash = "hash";
  return found;
}

inline DeclareExchange exchange(std::string name, std::string type) {
  DeclareExchange command;
  command.vhost = "/";
  command.name = std::move(name);
  command.type = std::move(type);
  return command;
}
inline DeclareHistory history(std::string name, Arguments arguments = {}) {
  DeclareHistory command{exchange(std::move(name), "x-recent-history"), NodeId(1), std::nullopt};
  command.arguments = std::move(arguments);
  return command;
}
inline DeclareQueue queue(std::string name) {
  DeclareQueue command;
  command.vhost = "/";
  command.name = std::move(name);
  command.durable = true;
  command.node = NodeId(1);
  return command;
}
inline Bind binding(std::string source, std::string destination, std::string key = "") {
  Bind command;
  command.vhost = "/";
  command.source = std::move(source);
  command.destination = std::move(destination);
  command.routing_key = std::move(key);
  return command;
}
inline Bind exchange_binding(std::string source, std::string destination, std::string key = "") {
  Bind command = binding(std::move(source), std::move(destination), std::move(key));
  command.kind = DestinationKind::exchange;
  return command;
}
inline Unbind unbinding(Bind command) {
  return Unbind{std::move(command)};
}

class CatalogTest : public ::testing::Test {
 protected:
  explicit CatalogTest(Found found = three_nodes()) { give(std::move(found)); }

  Applied give(Command command) {
    last_ = last_.next();
    return catalog_.apply(last_, command, Stamp(1));
  }
  // The outcome of a command that must succeed.
  Outcome ok(Command command) {
    Applied applied = give(std::move(command));
    EXPECT_EQ(applied.outcome.error, std::nullopt)
        << (applied.outcome.error ? applied.outcome.error->text : "");
    return applied.outcome;
  }
  void refused(Command command, ReplyCode code, const std::string& text) {
    const std::string before = state();
    Applied applied = give(std::move(command));
    ASSERT_TRUE(applied.outcome.error.has_value()) << "expected: " << text;
    EXPECT_EQ(applied.outcome.error->text, text);
    EXPECT_EQ(applied.outcome.error->code, code);
    EXPECT_TRUE(applied.effects.queues_gone.empty());
    EXPECT_EQ(before, state()) << "a refused command changes nothing";
  }
  // Registers node `number` and returns its incarnation.
  Incarnation start(std::uint32_t number) {
    return ok(RegisterNode{"n" + std::to_string(number), NodeId(number), DiskId(100 + number),
                           "host" + std::to_string(number) + ":25672"})
        .incarnation;
  }
  DeclareQueue exclusive(std::string name, Incarnation incarnation, std::uint64_t owner = 5) {
    DeclareQueue command = queue(std::move(name));
    command.durable = false;
    command.exclusive = true;
    command.incarnation = incarnation;
    command.owner = owner;
    return command;
  }
  std::vector<QueueId> route(const std::string& exchange, const std::string& key,
                             const std::string& vhost = "/") {
    std::vector<QueueId> queues;
    catalog_.snapshot()->route(vhost, exchange, {key}, queues);
    return queues;
  }
  // Everything but the index, which comes first (version, then a varint).
  std::string state() const {
    std::string octets = catalog_.snapshot_octets();
    std::size_t at = 1;
    while (static_cast<unsigned char>(octets[at]) & 0x80)
      ++at;
    return octets.substr(at + 1);
  }

  Catalog catalog_;
  CatalogIndex last_;
};

}  // namespace warren::catalog
