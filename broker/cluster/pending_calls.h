// PendingCalls: the unary calls that this node has under way, so that it can end with none of them
// left to come back to what is gone. Owned by Cluster. Any thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <set>

namespace warren::cluster {

class PendingCalls {
 public:
  // Before the call is started. False: stopped, do not start it.
  bool begin(grpc::ClientContext& call) {
    std::lock_guard lock(mutex_);
    return !stopped_ && calls_.insert(&call).second;
  }
  // The last thing that the call's completion does with what outlives the call.
  void end(grpc::ClientContext& call) {
    std::lock_guard lock(mutex_);
    calls_.erase(&call);
    if (calls_.empty()) none_left_.notify_all();
  }
  // Cancels what is under way and waits for its completion.
  void stop() {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    for (grpc::ClientContext* call : calls_)
      call->TryCancel();
    none_left_.wait(lock, [this] { return calls_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::set<grpc::ClientContext*> calls_;
  bool stopped_ = false;
};

}  // namespace warren::cluster
