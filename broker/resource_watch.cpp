#include "broker/resource_watch.h"

#include <algorithm>
#include <utility>

#include "broker/runtime/log.h"

namespace warren {

namespace {

// A publisher at full speed brings some 20 MiB in this time.
constexpr Milliseconds look_every{50};
constexpr Milliseconds ask_every{1000};
// Giving free memory back takes milliseconds and is worth little twice in a row.
constexpr Milliseconds trim_every{1000};

}  // namespace

std::shared_ptr<ResourceWatch> ResourceWatch::start(
    runtime::Reactor& reactor, const config::Settings& settings, NodeInspector& inspector,
    std::shared_ptr<frontend::ListenerGroup> front_end) {
  std::shared_ptr<ResourceWatch> watch(
      new ResourceWatch(reactor, settings, inspector, std::move(front_end)));
  reactor.post([watch] {
    watch->timer_ = std::make_unique<runtime::Timer>(watch->reactor_);
    watch->timer_->start_every(look_every, [raw = watch.get()] { raw->look(); });
    watch->others_timer_ = std::make_unique<runtime::Timer>(watch->reactor_);
    watch->others_timer_->start_every(ask_every, [raw = watch.get()] { raw->ask_others(); });
  });
  return watch;
}

// An alarm ends a little below its beginning.
ResourceWatch::ResourceWatch(runtime::Reactor& reactor, const config::Settings& settings,
                             NodeInspector& inspector,
                             std::shared_ptr<frontend::ListenerGroup> front_end)
    : reactor_(reactor),
      directory_(settings.data_dir),
      memory_limit_(settings.memory_limit),
      disk_limit_(settings.disk_free_limit),
      inspector_(inspector),
      front_end_(std::move(front_end)),
      memory_(memory_limit_, memory_limit_ - memory_limit_ / 16),
      disk_(0, 0) {}

void ResourceWatch::stop() {
  reactor_.post([self = shared_from_this()] {
    self->timer_.reset();
    self->others_timer_.reset();
  });
}

void ResourceWatch::look() {
  look_at_memory();
  look_at_disk();
  tell();
}

// What is free but still resident counts for nothing: it is given back before anyone is blocked.
void ResourceWatch::look_at_memory() {
  std::uint64_t resident = runtime::resident_octets();
  if (memory_.is_above(resident) && reactor_.now() >= trimmed_at_ + trim_every) {
    runtime::release_free_memory();
    trimmed_at_ = reactor_.now();
    resident = runtime::resident_octets();
  }
  if (!memory_.look(resident)) return;
  if (memory_.alarmed())
    runtime::log_warning("memory alarm: {} MiB resident, limit {} MiB; publishers are blocked",
                         resident >> 20, memory_limit_ >> 20);
  else
    runtime::log_info("memory alarm ended: {} MiB resident", resident >> 20);
}

void ResourceWatch::look_at_disk() {
  const std::uint64_t left = runtime::free_disk_octets(directory_);
  if (!disk_.look(disk_limit_ - std::min(disk_limit_, left))) return;
  if (disk_.alarmed())
    runtime::log_warning("disk alarm: {} MiB free in {}, limit {} MiB; publishers are blocked",
                         left >> 20, directory_, disk_limit_ >> 20);
  else
    runtime::log_info("disk alarm ended: {} MiB free", left >> 20);
}

// Whoever publishes here fills the others too.
void ResourceWatch::ask_others() {
  inspector_.collect(
      "", inspect::Done<inspect::Node>([weak = weak_from_this()](std::vector<inspect::Node> nodes) {
        auto self = weak.lock();
        if (self == nullptr) return;
        self->reactor_.post([self, nodes = std::move(nodes)] {
          if (self->timer_ != nullptr) self->on_others(nodes);
        });
      }));
}

void ResourceWatch::on_others(const std::vector<inspect::Node>& nodes) {
  others_memory_ = others_disk_ = false;
  for (const inspect::Node& node : nodes) {
    if (node.id == inspector_.self_id()) continue;
    others_memory_ = others_memory_ || node.memory_alarm;
    others_disk_ = others_disk_ || node.disk_alarm;
  }
  std::vector<std::string> texts;
  for (const inspect::Node& node : nodes) {
    if (node.memory_alarm) texts.push_back("Memory alarm on node " + node.name);
    if (node.disk_alarm) texts.push_back("Free disk space alarm on node " + node.name);
  }
  inspector_.set_alarm_texts(std::move(texts));
  tell();
}

void ResourceWatch::tell() {
  inspector_.set_own_alarms(memory_.alarmed(), disk_.alarmed());
  std::string reason;
  if (disk_.alarmed() || others_disk_) reason = "low on disk";
  if (memory_.alarmed() || others_memory_) reason += reason.empty() ? "low on memory" : " & memory";
  if (reason == told_) return;
  told_ = reason;
  front_end_->set_alarm(std::move(reason));
}

}  // namespace warren
