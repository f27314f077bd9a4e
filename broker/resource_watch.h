// ResourceWatch: keeps the node below its memory limit and off a full disk: while it is short of
// either, or another node of the cluster is, clients that publish are blocked (connection.blocked),
// as RabbitMQ does. Holds no memory itself and knows not who does. Owned by Node; made and stopped
// on the main thread, works on one reactor. Architecture §8.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/config/settings.h"
#include "broker/frontend/listener.h"
#include "broker/node_inspector.h"
#include "broker/runtime/reactor.h"
#include "broker/runtime/resources.h"
#include "broker/runtime/timer.h"

namespace warren {

class ResourceWatch : public std::enable_shared_from_this<ResourceWatch> {
 public:
  // What it is given outlives stop().
  static std::shared_ptr<ResourceWatch> start(runtime::Reactor& reactor,
                                              const config::Settings& settings,
                                              NodeInspector& inspector,
                                              std::shared_ptr<frontend::ListenerGroup> front_end);
  void stop();

 private:
  ResourceWatch(runtime::Reactor& reactor, const config::Settings& settings,
                NodeInspector& inspector, std::shared_ptr<frontend::ListenerGroup> front_end);
  void look();
  void look_at_memory();
  void look_at_disk();
  void ask_others();
  void on_others(const std::vector<inspect::Node>& nodes);
  void tell();

  runtime::Reactor& reactor_;
  const std::string directory_;
  const std::uint64_t memory_limit_, disk_limit_;
  NodeInspector& inspector_;
  const std::shared_ptr<frontend::ListenerGroup> front_end_;
  std::unique_ptr<runtime::Timer> timer_, others_timer_;
  runtime::Watermark memory_;
  runtime::Watermark disk_;  // of what is missing to the limit
  BootTime trimmed_at_{0};
  bool others_memory_ = false, others_disk_ = false;
  std::string told_;
};

}  // namespace warren
