// The two ends of a long-lived gRPC stream, reduced to "send", "received" and "done". gRPC's own
// threads call the callbacks; they only post to reactors. Each object keeps itself alive until gRPC
// is done with it, so an owner may drop its pointer at any time after close().
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "broker/cluster/write_queue.h"

namespace warren::cluster {

// The side that opened the stream.
template <typename Request, typename Reply>
class ClientStreamEnd : public grpc::ClientBidiReactor<Request, Reply> {
 public:
  struct Callbacks {
    std::function<void()> up;  // the peer's server accepted the stream
    std::function<void(Reply)> received;
    std::function<void(const grpc::Status&)> done;  // the last call
  };
  using Open = std::function<void(grpc::ClientContext*, grpc::ClientBidiReactor<Request, Reply>*)>;

  static std::shared_ptr<ClientStreamEnd> open(
      const Open& open, Callbacks callbacks,
      const std::multimap<std::string, std::string>& metadata) {
    std::shared_ptr<ClientStreamEnd> stream(new ClientStreamEnd(std::move(callbacks)));
    stream->self_ = stream;
    for (const auto& [key, value] : metadata)
      stream->context_.AddMetadata(key, value);
    open(&stream->context_, stream.get());
    stream->AddHold();  // writes start outside of gRPC's callbacks
    stream->StartRead(&stream->incoming_);
    stream->StartCall();
    return stream;
  }

  bool send(Request request) {
    return writes_.push(
        std::move(request), [this](const Request* next) { this->StartWrite(next); },
        [this] { context_.TryCancel(); });
  }
  void close() {
    writes_.break_off();
    context_.TryCancel();
  }

  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) callbacks_.up();
  }
  void OnWriteDone(bool ok) override {
    writes_.written(ok, [this](const Request* next) { this->StartWrite(next); });
    if (!ok) release_hold();
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      writes_.break_off();
      release_hold();
      return;
    }
    callbacks_.received(std::move(incoming_));
    incoming_.Clear();
    this->StartRead(&incoming_);
  }
  void OnDone(const grpc::Status& status) override {
    callbacks_.done(status);
    self_.reset();
  }

 private:
  explicit ClientStreamEnd(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  void release_hold() {
    if (!hold_released_.exchange(true)) this->RemoveHold();
  }

  Callbacks callbacks_;
  grpc::ClientContext context_;
  Reply incoming_;
  WriteQueue<Request> writes_;
  std::atomic<bool> hold_released_{false};
  std::shared_ptr<ClientStreamEnd> self_;
};

// The side that accepted it.
template <typename Request, typename Reply>
class ServerStreamEnd : public grpc::ServerBidiReactor<Request, Reply> {
 public:
  struct Callbacks {
    std::function<void(Request)> received;
    std::function<void()> done;
  };

  // The stream belongs to gRPC until done; the returned pointer may be kept to send on.
  static std::shared_ptr<ServerStreamEnd> accept(grpc::CallbackServerContext& context) {
    std::shared_ptr<ServerStreamEnd> stream(new ServerStreamEnd(context));
    stream->self_ = stream;
    return stream;
  }
  // Before any callback can come: REQUIRES accept() was just called.
  void start(Callbacks callbacks) {
    callbacks_ = std::move(callbacks);
    this->StartSendInitialMetadata();
    this->StartRead(&incoming_);
  }

  bool send(Reply reply) {
    return writes_.push(
        std::move(reply), [this](const Reply* next) { this->StartWrite(next); },
        [this] { context_.TryCancel(); });  // not after OnDone, which breaks the queue off
  }

  void OnWriteDone(bool ok) override {
    writes_.written(ok, [this](const Reply* next) { this->StartWrite(next); });
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      writes_.break_off();
      finish();
      return;
    }
    callbacks_.received(std::move(incoming_));
    incoming_.Clear();
    this->StartRead(&incoming_);
  }
  void OnCancel() override {
    writes_.break_off();
    finish();
  }
  void OnDone() override {
    writes_.break_off();
    callbacks_.done();
    self_.reset();
  }

 private:
  explicit ServerStreamEnd(grpc::CallbackServerContext& context) : context_(context) {}
  void finish() {
    if (!finished_.exchange(true)) this->Finish(grpc::Status::OK);
  }

  grpc::CallbackServerContext& context_;  // gRPC's, until OnDone
  Callbacks callbacks_;
  Request incoming_;
  WriteQueue<Reply> writes_;
  std::atomic<bool> finished_{false};
  std::shared_ptr<ServerStreamEnd> self_;
};

// A stream refused at the door.
template <typename Request, typename Reply>
class RefusedStream : public grpc::ServerBidiReactor<Request, Reply> {
 public:
  explicit RefusedStream(grpc::Status status) { this->Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

}  // namespace warren::cluster
